//! Packets that reach the node's own sockets: which of them takes one.

use crate::{
    abi::{FORWARD, FlowKey, KIND_L4, KIND_PROXY, KIND_TLS},
    pick,
    tables::Tables,
};

/// Who takes a connection or datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steer {
    /// This worker of the proxy.
    Worker(u32),
    /// Nobody: the stack answers with a reset, or with "port unreachable". A layer 4 frontend
    /// sends on what it can, so what comes here has no backend; on other ports of a Gateway's
    /// address nobody listens. A server of the node that listens on every address is not meant.
    Refuse,
    /// The node, as it does without us.
    Node,
}

/// Worker for a connection to a frontend of the proxy, by the client's address and port. Of TLS
/// passthrough the proxy's share comes here.
#[inline(always)]
pub fn steer<T: Tables>(key: &FlowKey, tables: &T) -> Steer {
    debug_assert_eq!(key.direction, FORWARD);
    match tables.frontend(&key.to()) {
        Some(frontend)
            if matches!(frontend.kind, KIND_PROXY | KIND_TLS) && frontend.workers > 0 =>
        {
            Steer::Worker(pick::slot(pick::hash(key), 0, frontend.workers))
        }
        Some(frontend) if frontend.kind == KIND_L4 => Steer::Refuse,
        _ if tables.address(&key.destination).is_some() => Steer::Refuse,
        _ => Steer::Node,
    }
}
