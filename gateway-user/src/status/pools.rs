//! AddressPools, with what is left in them.

use gateway_core::{
    status::{PoolStatus, PoolUsage, Reported},
    world::World,
};
use serde::{Deserialize, Serialize};

use crate::table::Table;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolRow {
    pub name: String,
    /// Ranges, as they count.
    pub addresses: Vec<String>,
    pub used: usize,
    /// In decimal digits; `-` where it has none of the family.
    pub free_ipv4: String,
    pub free_ipv6: String,
    /// Pools that share addresses with it.
    pub conflicts: Vec<String>,
}

impl PoolRow {
    pub fn new(reported: &Reported<PoolStatus>, world: &World) -> Self {
        let PoolStatus {
            used,
            ipv4,
            ipv6,
            conflicts,
            ..
        } = &reported.status;
        let object = world.pools.get(&reported.name);
        let ranges = object.into_iter().flat_map(|pool| &pool.spec.addresses);
        let free = |usage: &Option<PoolUsage>| match usage {
            Some(usage) => usage.free.clone(),
            None => "-".to_owned(),
        };
        Self {
            name: reported.name.to_string(),
            addresses: ranges.map(ToString::to_string).collect(),
            used: *used,
            free_ipv4: free(ipv4),
            free_ipv6: free(ipv6),
            conflicts: conflicts.iter().map(ToString::to_string).collect(),
        }
    }
}

pub(super) fn table(pools: &[PoolRow]) -> Table<6> {
    let mut table = Table::new([
        "POOL",
        "ADDRESSES",
        "USED",
        "FREE-IPV4",
        "FREE-IPV6",
        "CONFLICTS",
    ]);
    table.extend(pools.iter().map(|pool| {
        [
            pool.name.clone(),
            pool.addresses.join(", "),
            pool.used.to_string(),
            pool.free_ipv4.clone(),
            pool.free_ipv6.clone(),
            pool.conflicts.join(", "),
        ]
    }));
    table
}
