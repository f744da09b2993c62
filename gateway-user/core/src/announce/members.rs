//! Which of the ready nodes owns an address: rendezvous hashing (Thaler and Ravishankar, 1998).
//!
//! The hash is FNV-1a of the name, seeded with that of the address, spread by the finaliser of
//! SplitMix64; it never changes. Every node computes it for itself, from the same names. Where a node leaves, only its addresses
//! move, and to all others alike; where one comes, it takes an equal share from each.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use gateway_common::addr::Addr;

use crate::{endpoints::Tunnels, hash::stable};

/// Nodes that can serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    /// This node.
    pub me: Arc<str>,
    /// Names of the nodes that are ready, this one among them once it is.
    pub nodes: BTreeSet<Arc<str>>,
    /// Those that take packets for their pods in an outer header.
    pub tunnels: Tunnels,
}

impl Members {
    /// Before anything is known of nodes: nobody owns an address.
    pub fn none() -> Self {
        Self {
            me: "".into(),
            nodes: BTreeSet::new(),
            tunnels: Tunnels::new(),
        }
    }

    /// A node that owns every address.
    pub fn alone(me: Arc<str>) -> Self {
        Self {
            nodes: [me.clone()].into(),
            me,
            tunnels: Tunnels::new(),
        }
    }
}

/// The node that answers for `address`: the one with the highest hash of address and name; `None`
/// where no node is ready.
pub fn owner(address: IpAddr, members: &Members) -> Option<&Arc<str>> {
    let seed = stable(&Addr::from(address).bytes, 0);
    let rank = |node: &&Arc<str>| (stable(node.as_bytes(), seed), Arc::clone(node));
    members.nodes.iter().max_by_key(rank)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const ADDRESSES: u32 = 4_000;

    fn members(nodes: &[&str]) -> Members {
        Members {
            me: "a".into(),
            nodes: nodes.iter().map(|n| Arc::from(*n)).collect(),
            tunnels: Tunnels::new(),
        }
    }

    fn owners(members: &Members) -> BTreeMap<IpAddr, String> {
        let address = |n: u32| IpAddr::from((0xcb00_7100_u32 + n).to_be_bytes());
        let owner = |a| owner(a, members).unwrap().to_string();
        (0..ADDRESSES).map(address).map(|a| (a, owner(a))).collect()
    }

    #[test]
    fn addresses_spread_evenly() {
        let nodes = ["node-1", "node-2", "node-3", "node-4"];
        let mut shares = BTreeMap::<String, u32>::new();
        for node in owners(&members(&nodes)).into_values() {
            *shares.entry(node).or_default() += 1;
        }
        // A quarter of 4,000, and 5 standard deviations to each side.
        assert_eq!(shares.len(), nodes.len());
        assert!(
            shares.values().all(|n| (863..=1137).contains(n)),
            "{shares:?}"
        );
    }

    #[test]
    fn only_addresses_of_the_node_that_leaves_move_and_to_all_others() {
        let before = owners(&members(&["a", "b", "c", "d"]));
        let after = owners(&members(&["a", "b", "d"]));
        let mut heirs = BTreeSet::new();
        for (address, old) in &before {
            let new = &after[address];
            assert!(old == "c" || old == new, "{address}: {old} to {new}");
            if old == "c" {
                heirs.insert(new.clone());
            }
        }
        assert_eq!(heirs, ["a", "b", "d"].map(String::from).into());
    }

    #[test]
    fn every_version_gives_the_same_owner() {
        let three = members(&["node-1", "node-2", "node-3"]);
        let owner = |a: &str| owner(a.parse().unwrap(), &three).unwrap().to_string();
        let owners = ["203.0.113.1", "203.0.113.2", "203.0.113.3", "2001:db8::1"].map(owner);
        assert_eq!(owners, ["node-1", "node-1", "node-3", "node-2"]);
    }

    #[test]
    fn without_nodes_there_is_no_owner() {
        assert_eq!(owner([10, 0, 0, 1].into(), &members(&[])), None);
        let alone = Members::alone("x".into());
        assert_eq!(owner([10, 0, 0, 1].into(), &alone), Some(&alone.me));
    }
}
