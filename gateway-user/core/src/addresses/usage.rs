//! How full pools are, and which of them have the same addresses.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use super::{
    pool::Pool,
    space::{Space, Taken},
};
use crate::api::{AddressPool, AddressRange, core_kinds::Family};

/// How many addresses a pool has, by family; `None` where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub v4: Option<FamilyUsage>,
    pub v6: Option<FamilyUsage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyUsage {
    pub total: u128,
    /// By Gateways, whether or not they got them from this pool.
    pub used: usize,
}

/// Pools that share addresses with a pool, and which.
pub type Overlaps = BTreeMap<Arc<str>, Vec<AddressRange>>;

pub fn usage(pool: &AddressPool, taken: &BTreeSet<IpAddr>) -> Usage {
    let pool = Pool::new(pool);
    let taken: Taken<()> = taken.iter().map(|address| (*address, ())).collect();
    let of = |family| {
        let space: &Space = pool.space(family);
        (!space.is_empty()).then(|| FamilyUsage {
            total: space.count(),
            used: space.used(&taken),
        })
    };
    Usage {
        v4: of(Family::V4),
        v6: of(Family::V6),
    }
}

/// For every pool that shares addresses with others, by name.
pub fn overlaps(pools: &[&AddressPool]) -> BTreeMap<Arc<str>, Overlaps> {
    let pools: Vec<Pool> = pools.iter().map(|pool| Pool::new(pool)).collect();
    let mut ranges: Vec<(AddressRange, &Arc<str>)> = Vec::new();
    for pool in &pools {
        for family in [Family::V4, Family::V6] {
            let own = pool.space(family).ranges().iter();
            ranges.extend(own.map(|range| (*range, pool.name())));
        }
    }
    ranges.sort();
    let mut found: BTreeMap<Arc<str>, Overlaps> = BTreeMap::new();
    for (at, (range, name)) in ranges.iter().enumerate() {
        // Sorted by their beginnings: those that begin after its end cannot share with it.
        let later = ranges.iter().skip(at + 1);
        for (other, other_name) in later.take_while(|(r, _)| r.first() <= range.last()) {
            if let Some(both) = range.overlap(other) {
                let mut note = |of: &Arc<str>, with: &Arc<str>| {
                    let overlaps = found.entry(of.clone()).or_default();
                    overlaps.entry(with.clone()).or_default().push(both);
                };
                note(name, other_name);
                note(other_name, name);
            }
        }
    }
    found
}
