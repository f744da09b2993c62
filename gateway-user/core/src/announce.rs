//! The Gateways' addresses on the network: which node answers for each, what it tells its
//! neighbours, and who else claims one.
//!
//! Every node serves every address, so that whoever is on it reaches every Gateway; but one node
//! only, the owner, says on the network that an address is there.

pub mod conflicts;
pub mod frames;
pub mod members;
pub mod schedule;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
    sync::Arc,
};

use gateway_common::{abi, addr::Addr, maps::ADDRESSES_MAX};
use serde::{Deserialize, Serialize};

pub use self::{
    conflicts::Conflicts,
    members::{Members, owner},
    schedule::Schedule,
};

/// An Ethernet address; in JSON as text such as `02:00:00:00:00:99`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct MacAddress(pub [u8; 6]);

/// Who answers ARP and neighbour discovery for an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answerer {
    /// This node, in XDP.
    Us,
    /// The node of this name.
    Other(Arc<str>),
    /// No node is ready to.
    Nobody,
    /// The network stack of this node: one of its interfaces has the address.
    Interface,
}

/// By address of a Gateway.
pub type Answerers = BTreeMap<IpAddr, Answerer>;

/// Who answers for each of `addresses`; `on_interfaces`: those that interfaces of this node have.
pub fn answerers(
    addresses: &BTreeSet<IpAddr>,
    on_interfaces: &BTreeSet<IpAddr>,
    members: &Members,
) -> Answerers {
    let judge = |address: &IpAddr| match owner(*address, members) {
        _ if on_interfaces.contains(address) => Answerer::Interface,
        None => Answerer::Nobody,
        Some(owner) if *owner == members.me => Answerer::Us,
        Some(owner) => Answerer::Other(owner.clone()),
    };
    addresses.iter().map(|a| (*a, judge(a))).collect()
}

/// The addresses that this node answers for.
pub fn owned(answerers: &Answerers) -> BTreeSet<IpAddr> {
    let ours = answerers.iter().filter(|(_, who)| **who == Answerer::Us);
    ours.map(|(address, _)| *address).collect()
}

/// Entries of the kernel's map.
pub fn entries(answerers: &Answerers) -> BTreeMap<Addr, abi::Address> {
    let entry = |(address, who): (&IpAddr, &Answerer)| match who {
        Answerer::Interface => None,
        Answerer::Us => Some(((*address).into(), abi::Address::new(true))),
        Answerer::Other(_) | Answerer::Nobody => {
            Some(((*address).into(), abi::Address::new(false)))
        }
    };
    answerers.iter().filter_map(entry).collect()
}

/// Takes out the addresses for which the kernel's map, which holds those of `current`, has no room;
/// with the reason. Addresses in force come first.
pub fn without_room(
    addresses: &mut BTreeSet<IpAddr>,
    current: &BTreeMap<Addr, abi::Address>,
) -> BTreeMap<IpAddr, String> {
    let mut room = (ADDRESSES_MAX as usize).saturating_sub(current.len());
    let fits = |address: &IpAddr| {
        let known = current.contains_key(&Addr::from(*address));
        let fits = known || room > 0;
        room -= usize::from(fits && !known);
        fits
    };
    let (fit, rest): (BTreeSet<IpAddr>, BTreeSet<IpAddr>) =
        std::mem::take(addresses).into_iter().partition(fits);
    *addresses = fit;
    let why = |address| {
        format!(
            "the kernel's map of addresses has no room for {address}: it takes {ADDRESSES_MAX}; \
             use fewer addresses, or put more listeners on one"
        )
    };
    rest.into_iter().map(|a| (a, why(a))).collect()
}

impl From<MacAddress> for String {
    fn from(mac: MacAddress) -> Self {
        mac.to_string()
    }
}

impl TryFrom<String> for MacAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes: Option<Vec<u8>> = text
            .split(':')
            .map(|byte| u8::from_str_radix(byte, 16).ok())
            .collect();
        let bytes = bytes.and_then(|bytes| <[u8; 6]>::try_from(bytes).ok());
        bytes
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no Ethernet address"))
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Display for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Us => f.write_str("this node"),
            Self::Other(node) => write!(f, "node {node}"),
            Self::Nobody => f.write_str("no node"),
            Self::Interface => f.write_str("an interface of this node"),
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

    #[test]
    fn entries_say_who_answers_and_leave_interfaces_out() {
        let all = set(&["10.0.0.1", "10.0.0.2", "2001:db8::1"]);
        let mut members = Members::alone("a".into());
        let of = |members: &Members| answerers(&all, &set(&["10.0.0.2"]), members);
        let alone = of(&members);
        assert_eq!(owned(&alone), set(&["10.0.0.1", "2001:db8::1"]));
        let expected = ["10.0.0.1", "2001:db8::1"].map(|a| {
            let address: IpAddr = a.parse().unwrap();
            (address.into(), abi::Address::new(true))
        });
        assert_eq!(entries(&alone), expected.into());

        members.nodes = ["b".into()].into();
        let given = of(&members);
        assert_eq!(owned(&given), set(&[]));
        assert_eq!(given[&"10.0.0.1".parse().unwrap()].to_string(), "node b");
        assert!(entries(&given).values().all(|a| !a.is_owned()));
        assert_eq!(entries(&given).len(), 2);

        members.nodes.clear();
        assert_eq!(of(&members)[&"10.0.0.1".parse().unwrap()], Answerer::Nobody);
        assert!(entries(&of(&members)).values().all(|a| !a.is_owned()));
    }

    #[test]
    fn only_addresses_that_are_new_and_too_many_are_refused() {
        let address = |n: u32| IpAddr::from((0x0a00_0000 + n).to_be_bytes());
        let current: BTreeMap<_, _> = (0..ADDRESSES_MAX - 1)
            .map(|n| (Addr::from(address(n + 2)), abi::Address::new(true)))
            .collect();
        let mut wanted: BTreeSet<_> = (0..ADDRESSES_MAX + 1).map(address).collect();
        let refused = without_room(&mut wanted, &current);
        assert_eq!(wanted.len(), ADDRESSES_MAX as usize);
        let [(left, why)] = &refused.into_iter().collect::<Vec<_>>()[..] else {
            panic!("one is left over");
        };
        assert_eq!(*left, address(1));
        assert!(why.contains("no room for 10.0.0.1:"), "{why}");
    }
}
