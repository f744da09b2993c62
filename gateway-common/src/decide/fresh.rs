//! Flows that nothing proves yet: a SYN or a datagram that anybody may have forged. They live in a
//! table of their own, so that a flood of them evicts only its like. One moves to the established
//! flows when a packet shows that both ends take part in it.

use super::{quiet, reflect, touch};
use crate::{
    abi::{ANSWERED, Counter, ESTABLISHED, FORWARD, Flow, FlowKey},
    header::{ACCEPTS, OPENS, RESETS, Signal},
    tables::Tables,
};

/// What [`request`] and [`reply`] say where there is no such flow.
pub(super) const NONE: Counter = Counter::PassNoFlow;

/// A request of a fresh flow: [`Counter::Established`] where it is one of the established flows
/// now, [`Counter::Opened`] where it stays fresh, or [`NONE`].
#[inline(never)]
pub(super) fn request<T: Tables>(
    key: &FlowKey,
    signal: Signal,
    bytes: u64,
    tables: &mut T,
) -> Counter {
    let Some(flow) = tables.fresh(key) else {
        return moved(key, signal, tables);
    };
    let is_quiet = quiet(flow, signal, tables);
    // Datagrams prove little: an answer to which the client says more, or that it goes on. By DSR
    // the answers pass another node, so that TCP proves no more here.
    let goes_on = !is_quiet && (!key.is_tcp() || flow.is_dsr() && signal == 0);
    let proves = goes_on || !key.is_tcp() && flow.state & ANSWERED != 0;
    if touch::ended(key, signal, tables) {
        // What is under way in the other direction needs an entry of its own, now that this goes.
        touch::note(key, 0, tables);
        return NONE;
    }
    if !is_quiet {
        touch::touch(key, signal, tables);
    }
    place(proves, key, bytes, tables)
}

/// A reply, as [`request`]. `known`: of an established flow, which is brought up to date.
#[inline(never)]
pub(super) fn reply<T: Tables>(
    key: &FlowKey,
    known: bool,
    signal: Signal,
    bytes: u64,
    tables: &mut T,
) -> Counter {
    let begins = signal == ACCEPTS;
    if known && !(begins && outlived(key, tables)) {
        touch::touch(key, signal, tables);
        return Counter::Established;
    }
    // Where a connection begins, what is there may be left of one before.
    if begins || tables.fresh(key).is_none() {
        derive(key, tables);
    }
    let Some(flow) = tables.fresh(key) else {
        return moved(key, signal, tables);
    };
    if !key.is_tcp() {
        if flow.state & ANSWERED == 0 || !quiet(flow, signal, tables) {
            touch::note(key, ANSWERED, tables);
        }
        return Counter::Opened;
    }
    if signal != 0 || !quiet(flow, signal, tables) {
        touch::touch(key, signal, tables);
    }
    // A backend answers a SYN with SYN-ACK, and what it does not know with a reset: whatever else
    // it says, the client has shown it that it gets the answers.
    let proves = !matches!(signal, ACCEPTS | RESETS);
    place(proves, key, bytes, tables)
}

/// What leaves the node is no reply: neither is its source an endpoint near by, nor has it an entry.
#[inline(never)]
pub(super) fn is_foreign<T: Tables>(key: &FlowKey, tables: &T) -> bool {
    tables.origin(&key.from()).is_none() && tables.fresh(key).is_none()
}

/// Enters what the replies of a fresh flow need, as the entry of its requests says, if `key` is of
/// one that has opened without.
#[inline(never)]
pub(super) fn derive<T: Tables>(key: &FlowKey, tables: &mut T) {
    let Some(origin) = tables.origin(&key.from()) else {
        return;
    };
    let request = FlowKey {
        source: key.destination,
        destination: origin.address,
        source_port: key.destination_port,
        destination_port: origin.port as u16,
        protocol: key.protocol,
        direction: FORWARD,
    };
    // It may be of another frontend, whose flows open with it.
    if origin.shared != 0 && tables.fresh(key).is_some() {
        return;
    }
    let Some(flow) = tables.fresh(&request) else {
        return;
    };
    let is_its = flow.is_near() && flow.address == key.source;
    if is_its && flow.port == u32::from(key.source_port) {
        let flow = *flow;
        reflect(&request, &flow, key, tables);
    }
}

/// A backend accepts a connection that is fresh: what is there under the same key is left of one
/// before, and goes.
#[inline(never)]
fn outlived<T: Tables>(key: &FlowKey, tables: &mut T) -> bool {
    let Some(flow) = tables.flow(key) else {
        return false;
    };
    let request = key.other(flow);
    let is_over = tables.fresh(&request).is_some();
    if is_over {
        tables.forget(key);
    }
    is_over
}

/// A flow that is not fresh: another CPU may have moved it since it was looked for among the
/// established ones.
#[inline(always)]
fn moved<T: Tables>(key: &FlowKey, signal: Signal, tables: &mut T) -> Counter {
    // Of a connection that begins, nothing can have proved that yet.
    if signal == OPENS || tables.flow(key).is_none() {
        return NONE;
    }
    touch::touch(key, signal, tables);
    Counter::Established
}

/// Where the flow is from now on. `proves`: both ends take part in it.
#[inline(always)]
fn place<T: Tables>(proves: bool, key: &FlowKey, bytes: u64, tables: &mut T) -> Counter {
    match proves && establish(key, bytes, tables) {
        true => Counter::Established,
        false => Counter::Opened,
    }
}

/// Moves both entries to the established flows; `false` where that has no room.
#[inline(never)]
fn establish<T: Tables>(key: &FlowKey, bytes: u64, tables: &mut T) -> bool {
    let Some(flow) = tables.fresh(key) else {
        return false;
    };
    let other = key.other(flow);
    let moved = Flow {
        state: flow.state & !ANSWERED | ESTABLISHED,
        ..*flow
    };
    // First the one that is not asked for next: where the second has no room, nothing has changed.
    let both = moved.is_dsr() || reflect(key, &moved, &other, tables);
    if !both || !tables.insert(key, &moved) {
        return false;
    }
    tables.forget_fresh(key);
    tables.forget_fresh(&other);
    tables.count(Counter::Established, bytes);
    true
}
