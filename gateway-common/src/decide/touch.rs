//! Upkeep of a flow that exists: once a second, and when a connection starts or ends.

use super::reflect;
use crate::{
    abi::{CLOSED_BY_BACKEND, CLOSED_BY_CLIENT, FORWARD, FlowKey, RESET},
    flow::expired,
    header::{ENDS, OPENS, RESETS, Signal},
    tables::Tables,
};

/// The packet does not belong to the flow found, but starts a new one: a SYN after the old
/// connection ended, or any datagram after silence. Either also where the backend is gone;
/// established TCP connections stay with a backend that leaves.
#[inline(never)]
pub(super) fn ended<T: Tables>(key: &FlowKey, signal: Signal, tables: &T) -> bool {
    if key.is_tcp() && signal != OPENS {
        return false;
    }
    let Some(flow) = tables.find(key) else {
        return true;
    };
    let backend_gone = match tables.backend(flow.backend) {
        // Ids are given out again: only the same address is the same backend.
        Some(backend) => backend.address != flow.address || backend.port != flow.port,
        None => true,
    };
    backend_gone || flow.closing() || expired(key, flow, tables.now(), tables.hz())
}

/// Notes time, and what the signal says of the state.
#[inline(always)]
pub(super) fn touch<T: Tables>(key: &FlowKey, signal: Signal, tables: &mut T) {
    let state = match (signal, key.direction) {
        (RESETS, _) => RESET,
        (ENDS, FORWARD) => CLOSED_BY_CLIENT,
        (ENDS, _) => CLOSED_BY_BACKEND,
        _ => 0,
    };
    note(key, state, tables);
}

/// Notes time and state in both entries, so that neither is forgotten while the other lives; an
/// entry that was evicted comes back.
#[inline(never)]
pub(super) fn note<T: Tables>(key: &FlowKey, state: u32, tables: &mut T) {
    let now = tables.now();
    tables.mark(key, state, now);
    let Some(flow) = tables.find(key).filter(|flow| !flow.is_dsr()) else {
        return;
    };
    let (flow, other) = (*flow, key.other(flow));
    if !tables.mark(&other, state, now) {
        // Where the table is full the next touch tries again.
        reflect(key, &flow, &other, tables);
    }
}
