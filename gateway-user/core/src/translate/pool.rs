//! AddressPools: how full they are, and whether they get in each other's way.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use super::{Scope, address};
use crate::{
    addresses::{FamilyUsage, Overlaps, overlaps, usage},
    api::{AddressPool, Kind},
    status::{PoolStatus, PoolUsage, Reported, fold},
    verdict::{ConditionType::Accepted, PoolVerdict},
};

/// `taken`: the addresses that are in use.
pub(super) fn statuses(scope: Scope, taken: &BTreeSet<IpAddr>) -> Vec<Reported<PoolStatus>> {
    let conflicts = overlaps(&address::pools(scope));
    let pools = scope.world.pools.values();
    let statuses = pools.map(|pool| status(pool, &conflicts, taken));
    statuses.collect()
}

fn status(
    pool: &AddressPool,
    conflicts: &BTreeMap<Arc<str>, Overlaps>,
    taken: &BTreeSet<IpAddr>,
) -> Reported<PoolStatus> {
    let none = Overlaps::new();
    let overlaps = conflicts.get(&pool.meta.name).unwrap_or(&none);
    let verdict = (!overlaps.is_empty()).then(|| PoolVerdict::Overlaps {
        with: described(overlaps),
    });
    let usage = usage(pool, taken);
    let status = PoolStatus {
        used: [usage.v4, usage.v6].iter().flatten().map(|f| f.used).sum(),
        ipv4: usage.v4.map(counts),
        ipv6: usage.v6.map(counts),
        conflicts: overlaps.keys().cloned().collect(),
        conditions: fold(&[Accepted], verdict.as_slice(), pool.meta.generation),
    };
    Reported::new(Kind::AddressPool.as_str(), &pool.meta, true, status)
}

/// Counts of IPv6 fit no JSON number, so all are text.
fn counts(usage: FamilyUsage) -> PoolUsage {
    PoolUsage {
        total: usage.total.to_string(),
        used: usage.used.to_string(),
        free: (usage.total - usage.used as u128).to_string(),
    }
}

fn described(overlaps: &Overlaps) -> String {
    let each = overlaps.iter().map(|(pool, ranges)| {
        let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
        format!("\"{pool}\" ({})", ranges.join(", "))
    });
    each.collect::<Vec<_>>().join(", ")
}
