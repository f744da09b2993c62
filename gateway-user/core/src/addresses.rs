//! Which Gateway has which address.
//!
//! A pure function of the pools, the Gateways and what their statuses say already, so every node
//! would decide the same; only one decides at a time ([`Addressing::may_allocate`]). The rules, in
//! the order of their weight:
//!
//! 1. No address of a pool belongs to two Gateways, whichever pools it is in.
//! 2. A Gateway keeps what it has, as long as it wants it and an AddressPool has it for it.
//! 3. Then addresses that Gateways ask for by value, the oldest Gateway first.
//! 4. An address that no pool has any more stays where it is, unless somebody got it by 3.
//! 5. Gateways that ask for no particular one get a free address of each family that is offered,
//!    found from a hash of their name, so that the same Gateways tend to have the same addresses
//!    in a cluster that was built anew.
//!
//! Default addresses (`--address`) are outside of this: all Gateways that ask for none share them.

mod allocate;
mod desk;
mod draft;
mod pool;
mod space;
mod usage;

use std::net::IpAddr;

pub use self::{
    allocate::{Allocation, Allotment, allocate},
    draft::Request,
    pool::Pool,
    usage::{FamilyUsage, Overlaps, Usage, overlaps, usage},
};

/// Where addresses come from besides AddressPools, and who decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressing {
    /// Shared by all Gateways that ask for no particular address; pools are not for those then.
    pub defaults: Vec<IpAddr>,
    /// Whether this node decides. Another one uses only what the Gateways' statuses say.
    pub may_allocate: bool,
    /// Whether Gateways may ask for any address while there is no AddressPool at all: where
    /// whoever writes Gateways owns the machine, too.
    pub without_pools: bool,
}

impl Addressing {
    /// With no cluster: objects are files on the machine itself.
    pub fn standalone(defaults: Vec<IpAddr>) -> Self {
        Self {
            defaults,
            may_allocate: true,
            without_pools: true,
        }
    }

    /// In a cluster addresses must be in a pool: who may write Gateways may not therefore take any
    /// address of the network.
    pub fn cluster(defaults: Vec<IpAddr>, may_allocate: bool) -> Self {
        Self {
            defaults,
            may_allocate,
            without_pools: false,
        }
    }
}

#[cfg(test)]
mod tests;
