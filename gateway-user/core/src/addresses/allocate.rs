//! The order in which addresses are given out.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use super::{
    Addressing,
    desk::Desk,
    draft::{Draft, Request},
    pool::Pool,
};
use crate::{api::AddressPool, verdict::GatewayVerdict};

/// What came of all requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allocation {
    /// In the order of the requests.
    pub allotments: Vec<Allotment>,
    /// Addresses that nobody else can have.
    pub taken: BTreeSet<IpAddr>,
}

/// What one Gateway has, and what there is to say about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allotment {
    pub addresses: Vec<IpAddr>,
    pub verdicts: Vec<GatewayVerdict>,
}

/// Gives addresses to Gateways, `requests`, of which the oldest comes first; so do `pools`.
pub fn allocate(
    pools: &[&AddressPool],
    requests: &[Request],
    addressing: &Addressing,
) -> Allocation {
    let mut pools: Vec<Pool> = pools.iter().map(|pool| Pool::new(pool)).collect();
    // What is meant for some is theirs first; what is for all is left to the others.
    pools.sort_by_key(|pool| !pool.is_selective());
    let mut desk = Desk {
        pools: &pools,
        addressing,
        taken: addressing.defaults.iter().map(|a| (*a, None)).collect(),
    };
    let mut drafts: Vec<Draft> = requests.iter().map(Draft::new).collect();
    let turns = [
        Desk::keep,
        Desk::give_asked,
        Desk::keep_outside,
        Desk::give_any,
    ];
    for turn in turns {
        drafts.iter_mut().for_each(|draft| turn(&mut desk, draft));
    }
    let allotments = drafts.into_iter().map(|draft| conclude(&desk, draft));
    Allocation {
        allotments: allotments.collect(),
        taken: desk.taken.keys().copied().collect(),
    }
}

/// Says which pools the addresses are from.
fn conclude(desk: &Desk, draft: Draft) -> Allotment {
    let mut of_pool: BTreeMap<&Arc<str>, Vec<String>> = BTreeMap::new();
    let mut outside: Vec<String> = Vec::new();
    let addresses = draft.addresses();
    // Others are shared: no pool gave them.
    let own = |a: &&IpAddr| matches!(desk.taken.get(a), Some(Some(_)));
    for address in addresses.iter().filter(own) {
        match desk.pool_of(*address, &draft) {
            Some(pool) => of_pool
                .entry(pool.name())
                .or_default()
                .push(address.to_string()),
            None => outside.push(address.to_string()),
        }
    }
    let from = of_pool.iter().map(|(pool, addresses)| {
        let addresses = addresses.join(", ");
        format!("{addresses} of AddressPool \"{pool}\"")
    });
    let from: Vec<String> = from.collect();
    let mut verdicts = draft.verdicts;
    if !outside.is_empty() {
        let addresses = outside.join(", ");
        verdicts.push(GatewayVerdict::OutsidePools { addresses });
    }
    if !from.is_empty() {
        let addresses = from.join(", ");
        verdicts.push(GatewayVerdict::FromPools { addresses });
    }
    Allotment {
        addresses,
        verdicts,
    }
}
