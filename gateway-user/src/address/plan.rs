//! Which local routes to add and to remove: pure.

use std::{collections::BTreeSet, net::IpAddr};

/// A route of the table `local` that delivers to this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalRoute {
    pub address: IpAddr,
    /// Length of the prefix in bits.
    pub prefix: u8,
    /// It carries our protocol number.
    pub ours: bool,
}

/// What brings the routes in line with what is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub add: BTreeSet<IpAddr>,
    pub remove: BTreeSet<IpAddr>,
}

/// Addresses that are local already, by whatever route, need none of ours; only ours are removed.
pub fn changes(wanted: &BTreeSet<IpAddr>, routes: &[LocalRoute]) -> Changes {
    let local = |address: &IpAddr| routes.iter().any(|route| route.covers(*address));
    let ours = routes.iter().filter(|route| route.ours).map(|r| r.address);
    Changes {
        add: wanted.iter().filter(|a| !local(a)).copied().collect(),
        remove: ours.filter(|address| !wanted.contains(address)).collect(),
    }
}

/// Those of `wanted` that a route of others makes local.
pub fn elsewhere(wanted: &BTreeSet<IpAddr>, routes: &[LocalRoute]) -> BTreeSet<IpAddr> {
    let theirs = |a: &&IpAddr| routes.iter().any(|r| !r.ours && r.covers(**a));
    wanted.iter().filter(theirs).copied().collect()
}

impl LocalRoute {
    fn covers(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let differ = a.to_bits() ^ b.to_bits();
                differ.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let differ = a.to_bits() ^ b.to_bits();
                differ.leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(addresses: &[&str]) -> BTreeSet<IpAddr> {
        let parse = |a: &&str| a.parse().expect("an address");
        addresses.iter().map(parse).collect()
    }

    fn route(address: &str, prefix: u8, ours: bool) -> LocalRoute {
        let address = address.parse().expect("an address");
        LocalRoute {
            address,
            prefix,
            ours,
        }
    }

    #[test]
    fn adds_what_is_missing_and_removes_what_is_ours() {
        let routes = [
            route("127.0.0.0", 8, false),
            route("10.0.0.1", 32, false),
            route("203.0.113.1", 32, true),
            route("203.0.113.2", 32, true),
            route("2001:db8::1", 128, true),
        ];
        let wanted = set(&[
            "203.0.113.1",
            "203.0.113.3",
            "10.0.0.1",
            "127.0.0.9",
            "2001:db8::2",
        ]);
        let changes = changes(&wanted, &routes);
        assert_eq!(changes.add, set(&["203.0.113.3", "2001:db8::2"]));
        assert_eq!(changes.remove, set(&["203.0.113.2", "2001:db8::1"]));
        assert_eq!(elsewhere(&wanted, &routes), set(&["10.0.0.1", "127.0.0.9"]));
    }

    #[test]
    fn the_whole_address_space_and_other_families_are_told_apart() {
        assert!(route("0.0.0.0", 0, false).covers([10, 0, 0, 1].into()));
        assert!(!route("::", 0, false).covers([10, 0, 0, 1].into()));
        assert!(!route("10.0.0.0", 31, false).covers([10, 0, 0, 2].into()));
    }
}
