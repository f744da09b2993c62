//! Who serves an L4 frontend right now: backendRefs joined with endpoints, weights made whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use crate::{
    endpoints::{Conditions, Endpoints},
    plan::{BackendId, L4Service, Target, Transport},
};

/// One destination of new flows: an address, or `None` for the share that is refused (the
/// reference is invalid, or has no ready endpoint).
pub type Destination = Option<SocketAddr>;

/// Of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub const fn of(address: &SocketAddr) -> Self {
        match address {
            SocketAddr::V4(_) => Self::V4,
            SocketAddr::V6(_) => Self::V6,
        }
    }

    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

/// Destinations with their weights (at least 1), the refused share first, then by address.
///
/// The weight of a backendRef is divided among its endpoints (the API weighs references, not
/// pods); an address that two references name gets both shares. Only endpoints of the listener's
/// address family count: the kernel path does not turn one into the other.
pub fn destinations(
    service: &L4Service,
    endpoints: &Endpoints,
    family: Family,
) -> BTreeMap<Destination, u32> {
    let shares: Vec<(u32, BTreeSet<SocketAddr>)> = service
        .backends
        .iter()
        .filter(|b| b.weight > 0)
        .map(|b| match &b.target {
            Target::Backend(id) => (b.weight, ready(endpoints, id, family)),
            Target::Invalid => (b.weight, BTreeSet::new()),
        })
        .collect();
    let counts = shares.iter().map(|(_, addresses)| count(addresses));
    let scale = counts.fold(1, common_multiple);
    let mut weights = BTreeMap::<Destination, u64>::new();
    for (weight, addresses) in &shares {
        let each = u64::from(*weight) * scale / count(addresses);
        if addresses.is_empty() {
            *weights.entry(None).or_default() += each;
        }
        for address in addresses {
            *weights.entry(Some(*address)).or_default() += each.max(1);
        }
    }
    reduced(weights)
}

/// Endpoints that get no new flows of the service and may keep old ones; `true` for those that
/// will not come back.
///
/// Datagrams know no end and no answer that they are lost: they stay only where the endpoint is
/// said to answer.
pub fn resting(
    service: &L4Service,
    endpoints: &Endpoints,
    family: Family,
    transport: Transport,
) -> BTreeMap<SocketAddr, bool> {
    let mut resting = BTreeMap::new();
    for backend in &service.backends {
        let Target::Backend(id) = &backend.target else {
            continue;
        };
        let all = endpoints.all(id);
        for endpoint in all.filter(|e| Family::of(&e.address) == family) {
            let Conditions {
                ready,
                serving,
                terminating,
            } = endpoint.conditions;
            if transport == Transport::Tcp || ready || (serving && terminating) {
                let leaves = backend.weight == 0 || terminating;
                let all = resting.entry(endpoint.address).or_insert(true);
                *all &= leaves;
            }
        }
    }
    resting
}

fn ready(endpoints: &Endpoints, id: &BackendId, family: Family) -> BTreeSet<SocketAddr> {
    let all = endpoints.ready(id);
    all.filter(|address| Family::of(address) == family)
        .collect()
}

/// Parts that a share is divided into.
fn count(addresses: &BTreeSet<SocketAddr>) -> u64 {
    addresses.len().max(1) as u64
}

/// Largest factor for weights: keeps the products far from overflow. Beyond it, shares are
/// rounded by less than 1 in 100,000.
const LARGEST_SCALE: u64 = 1 << 24;

/// Least common multiple, so that division by each count leaves no rest.
fn common_multiple(a: u64, b: u64) -> u64 {
    (a / common_divisor(a, b) * b).min(LARGEST_SCALE)
}

fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// The same proportions in small numbers, so that a map dump shows weights as users write them.
fn reduced(weights: BTreeMap<Destination, u64>) -> BTreeMap<Destination, u32> {
    let divisor = weights.values().copied().fold(0, common_divisor).max(1);
    let largest = weights.values().copied().max().unwrap_or(0) / divisor;
    let excess = 32_u32.saturating_sub(largest.leading_zeros());
    let small = |w: u64| {
        u32::try_from((w / divisor) >> excess)
            .unwrap_or(u32::MAX)
            .max(1)
    };
    weights.into_iter().map(|(d, w)| (d, small(w))).collect()
}

#[cfg(test)]
mod tests;
