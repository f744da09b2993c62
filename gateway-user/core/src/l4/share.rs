//! How a service's new flows spread over its backends: counted in its lookup table.

use std::collections::BTreeMap;

use gateway_common::abi::Service;

use super::Tables;

/// Share of new flows by backend id, from 0 to 1; id 0 for those that are refused. Empty for a
/// service without a backend: everything is refused.
pub fn shares(tables: &Tables, service: &Service) -> BTreeMap<u32, f64> {
    let slots = match tables.region_of(service) {
        Some(slots) if service.maglev_size > 0 => slots,
        _ => return BTreeMap::new(),
    };
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for id in slots.iter() {
        *counts.entry(*id).or_default() += 1;
    }
    let all = slots.len() as f64;
    let share = |(id, count): (u32, u32)| (id, f64::from(count) / all);
    counts.into_iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_slots() {
        let service = Service {
            maglev_offset: 5,
            maglev_size: 4,
            backends: 2,
            affinity: 0,
        };
        let mut tables = Tables::default();
        tables.regions.insert(5, [1, 2, 1, 0].into());
        let expected = BTreeMap::from([(0, 0.25), (1, 0.5), (2, 0.25)]);
        assert_eq!(shares(&tables, &service), expected);
        assert!(shares(&tables, &Service::default()).is_empty());
    }
}
