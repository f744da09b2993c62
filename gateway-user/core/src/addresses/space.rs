//! The addresses of one family that a pool has, by arithmetic on ranges: never one by one.

use std::{
    collections::{BTreeMap, btree_map::Range},
    net::IpAddr,
};

use crate::api::{
    AddressRange,
    core_kinds::Family,
    range::{after, number},
};

/// Addresses in use, and something about each.
pub(super) type Taken<T> = BTreeMap<IpAddr, T>;

/// Disjoint ranges of one family, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Space(Vec<AddressRange>);

impl Space {
    pub(super) fn new(ranges: &[AddressRange], family: Family) -> Self {
        let own = ranges.iter().filter(|range| range.family() == family);
        let mut sorted: Vec<AddressRange> = own.copied().collect();
        sorted.sort();
        let mut merged: Vec<AddressRange> = Vec::new();
        for range in sorted {
            match merged.last_mut() {
                Some(last) if range.first() <= last.last() => {
                    let end = last.last().max(range.last());
                    *last = AddressRange::between(last.first(), end);
                }
                _ => merged.push(range),
            }
        }
        Self(merged)
    }

    pub(super) fn ranges(&self) -> &[AddressRange] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(address))
    }

    pub(super) fn count(&self) -> u128 {
        self.0.iter().map(AddressRange::count).sum()
    }

    pub(super) fn used<T>(&self, taken: &Taken<T>) -> usize {
        self.0
            .iter()
            .map(|range| within(range, taken).count())
            .sum()
    }

    /// The first address that is not taken, from that position on and then from the beginning.
    /// The position may be any number.
    pub(super) fn free<T>(&self, position: u128, taken: &Taken<T>) -> Option<IpAddr> {
        let mut skip = position.checked_rem(self.count())?;
        let (mut from, mut before) = (Vec::new(), Vec::new());
        for range in &self.0 {
            if skip >= range.count() {
                skip -= range.count();
                before.push(*range);
            } else if skip > 0 {
                let middle = after(range.first(), skip);
                from.push(AddressRange::between(middle, range.last()));
                let end = after(range.first(), skip - 1);
                before.push(AddressRange::between(range.first(), end));
                skip = 0;
            } else {
                from.push(*range);
            }
        }
        let mut all = from.iter().chain(&before);
        all.find_map(|range| free_in(range, taken))
    }
}

fn within<'a, T>(range: &AddressRange, taken: &'a Taken<T>) -> Range<'a, IpAddr, T> {
    taken.range(range.first()..=range.last())
}

/// The first gap between those that are taken.
fn free_in<T>(range: &AddressRange, taken: &Taken<T>) -> Option<IpAddr> {
    let mut free = number(range.first());
    for (address, _) in within(range, taken) {
        if number(*address) > free {
            break;
        }
        free = number(*address) + 1;
    }
    (free <= number(range.last())).then(|| after(range.first(), free - number(range.first())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(ranges: &[&str]) -> Space {
        let ranges: Vec<_> = ranges.iter().map(|r| r.parse().expect(r)).collect();
        Space::new(&ranges, Family::V4)
    }

    fn taken(addresses: &[&str]) -> Taken<()> {
        let address = |a: &&str| (a.parse().expect("an address"), ());
        addresses.iter().map(address).collect()
    }

    #[test]
    fn ranges_are_merged_and_of_one_family() {
        let space = space(&[
            "10.0.0.8-10.0.0.9",
            "10.0.0.1-10.0.0.4",
            "2001:db8::7",
            "10.0.0.3-10.0.0.5",
        ]);
        let shown: Vec<_> = space.ranges().iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.1-10.0.0.5", "10.0.0.8-10.0.0.9"]);
        assert_eq!(space.count(), 7);
        assert_eq!(space.used(&taken(&["10.0.0.5", "10.0.0.6", "10.0.0.9"])), 2);
    }

    #[test]
    fn the_next_free_one_is_found_around_the_end() {
        let space = space(&["10.0.0.1-10.0.0.3", "10.0.0.8-10.0.0.9"]);
        let free = |position, taken: &Taken<()>| {
            let free = space.free(position, taken);
            free.map(|address| address.to_string()).unwrap_or_default()
        };
        let none = taken(&[]);
        let in_order = (0..6)
            .map(|position| free(position, &none))
            .collect::<Vec<_>>();
        let expected = [
            "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.8", "10.0.0.9", "10.0.0.1",
        ];
        assert_eq!(in_order, expected);
        assert_eq!(
            free(1, &taken(&["10.0.0.2", "10.0.0.3", "10.0.0.8"])),
            "10.0.0.9"
        );
        assert_eq!(free(3, &taken(&["10.0.0.8", "10.0.0.9"])), "10.0.0.1");
        assert_eq!(
            free(2, &taken(&["10.0.0.3", "10.0.0.8", "10.0.0.9", "10.0.0.1"])),
            "10.0.0.2"
        );
        let all = taken(&["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.8", "10.0.0.9"]);
        assert_eq!((0..5).map(|p| free(p, &all)).collect::<String>(), "");
    }

    #[test]
    fn an_empty_space_has_nothing() {
        assert_eq!(space(&[]).free(7, &taken(&[])), None);
    }
}
