//! From what is wanted and what is in force to an ordered list of changes. Pure.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use gateway_common::abi::Address;
use gateway_core::{
    announce::{self, Answerers},
    endpoints::Endpoints,
    http,
    l4::{self, CapacityError, MapOp, Node, Tables},
    plan::Plan,
};

/// A change of one part of the data path.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// So many workers of the proxy are there, at least.
    Grow(u32),
    /// No address is announced to the network but these.
    Withdraw(BTreeSet<IpAddr>),
    /// These addresses are delivered to this host, whichever else are.
    AddAddresses(BTreeSet<IpAddr>),
    /// The proxy serves this table from now on.
    Http(Arc<http::Table>),
    /// Writes to the kernel's maps, in this order.
    Kernel(Vec<MapOp>),
    /// Workers beyond so many leave.
    Shrink(u32),
    /// The network hears that these addresses are here.
    Announce(BTreeSet<IpAddr>),
    /// No address is ours but these.
    KeepAddresses(BTreeSet<IpAddr>),
}

/// The addresses of the Gateways and who answers for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses<'a> {
    pub wanted: &'a Answerers,
    /// They may differ from those in force.
    pub changed: bool,
}

/// This node: what the tables shall say of it, and how many workers of the proxy run now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here {
    pub wanted: Node,
    pub workers: u32,
}

/// Steps from what is in force to what is wanted.
///
/// New workers have the proxy's table and their sockets before the frontends count on them; those
/// that leave do so when no frontend leads to them.
///
/// The kernel knows which addresses to be silent about before they are this host's: its stack
/// would answer. New addresses, the proxy's routes and backends are there before the frontends
/// that lead traffic to them, and all of it before the network hears of an address. In reverse,
/// an address is not announced any more before its frontends go, and goes after them.
///
/// # Errors
/// Where the plan does not fit the kernel's maps; nothing is changed then.
pub(super) fn steps(
    plan: &Plan,
    endpoints: &Endpoints,
    here: Here,
    tables: &Tables,
    addresses: Addresses<'_>,
) -> Result<Vec<Step>, CapacityError> {
    let mut wanted = l4::compile(plan, endpoints, here.wanted, tables)?;
    wanted.addresses = announce::entries(addresses.wanted);
    let writes = Writes::new(l4::diff(tables, &wanted), tables);
    let all: BTreeSet<IpAddr> = addresses.wanted.keys().copied().collect();
    let owned = announce::owned(addresses.wanted);
    let proxy = Arc::new(http::Table::compile(plan, endpoints));

    let changed = |step| addresses.changed.then_some(step);
    let kernel = |ops: Vec<MapOp>| (!ops.is_empty()).then_some(Step::Kernel(ops));
    let (wanted, running) = (here.wanted.workers, here.workers);
    let steps = [
        (wanted > running).then_some(Step::Grow(wanted)),
        changed(Step::Withdraw(owned.clone())),
        kernel(writes.silence),
        changed(Step::AddAddresses(all.clone())),
        Some(Step::Http(proxy)),
        kernel(writes.serve),
        (wanted < running).then_some(Step::Shrink(wanted)),
        kernel(writes.answer),
        changed(Step::Announce(owned)),
        changed(Step::KeepAddresses(all)),
        kernel(writes.forget),
    ];
    Ok(steps.into_iter().flatten().collect())
}

/// Writes to the maps by when they are due.
#[derive(Default)]
struct Writes {
    /// Addresses that this node does not answer for, or not yet.
    silence: Vec<MapOp>,
    serve: Vec<MapOp>,
    /// Addresses that it answers for.
    answer: Vec<MapOp>,
    forget: Vec<MapOp>,
}

impl Writes {
    fn new(ops: Vec<MapOp>, tables: &Tables) -> Self {
        let mut writes = Self::default();
        for op in ops {
            match op {
                MapOp::PutAddress(address, value) if value.is_owned() => {
                    if !tables.addresses.contains_key(&address) {
                        let silent = MapOp::PutAddress(address, Address::new(false));
                        writes.silence.push(silent);
                    }
                    writes.answer.push(op);
                }
                MapOp::PutAddress(..) => writes.silence.push(op),
                MapOp::RemoveAddress(_) => writes.forget.push(op),
                MapOp::PutBackend(..)
                | MapOp::PutTag(..)
                | MapOp::PutOrigin(..)
                | MapOp::RemoveOrigin(_)
                | MapOp::PutRegion(..)
                | MapOp::PutService(..)
                | MapOp::PutName(..)
                | MapOp::PutFrontend(..)
                | MapOp::RemoveFrontend(_)
                | MapOp::RemoveName(_)
                | MapOp::RemoveService(_)
                | MapOp::RemoveTag(_)
                | MapOp::RemoveBackend(_) => writes.serve.push(op),
            }
        }
        writes
    }
}

#[cfg(test)]
mod tests;
