//! Who serves an L4 frontend right now: backendRefs joined with endpoints, weights made whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{SocketAddr, SocketAddrV4},
};

use crate::{
    endpoints::Endpoints,
    plan::{BackendId, L4Service, Target},
};

/// One destination of new flows: an address, or `None` for the share that is refused (the
/// reference is invalid, or has no ready endpoint).
pub type Destination = Option<SocketAddrV4>;

/// Destinations with their weights (at least 1), the refused share first, then by address.
///
/// The weight of a backendRef is divided among its endpoints (the API weighs references, not
/// pods); an address that two references name gets both shares.
pub fn destinations(service: &L4Service, endpoints: &Endpoints) -> BTreeMap<Destination, u32> {
    let shares: Vec<(u32, BTreeSet<SocketAddrV4>)> = service
        .backends
        .iter()
        .filter(|b| b.weight > 0)
        .map(|b| match &b.target {
            Target::Backend(id) => (b.weight, ready_v4(endpoints, id)),
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

/// Ready endpoints that the kernel path can serve: IPv4.
fn ready_v4(endpoints: &Endpoints, id: &BackendId) -> BTreeSet<SocketAddrV4> {
    let v4 = |address| match address {
        SocketAddr::V4(v4) => Some(v4),
        SocketAddr::V6(_) => None,
    };
    endpoints.ready(id).filter_map(v4).collect()
}

/// Parts that a share is divided into.
fn count(addresses: &BTreeSet<SocketAddrV4>) -> u64 {
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
