//! Connections for the proxy: which worker takes one.

use crate::{
    abi::{FORWARD, FlowKey, FrontendKey, KIND_PROXY},
    pick,
    tables::Tables,
};

/// Worker for a connection to a proxy frontend, by the client's address and port; `None` where
/// the proxy does not serve its destination.
#[inline(always)]
pub fn steer<T: Tables>(key: &FlowKey, tables: &T) -> Option<u32> {
    debug_assert_eq!(key.direction, FORWARD);
    let wanted = FrontendKey {
        address: key.destination,
        port: u32::from(key.destination_port),
        protocol: u32::from(key.protocol),
    };
    let frontend = tables.frontend(&wanted)?;
    (frontend.kind == KIND_PROXY && frontend.workers > 0)
        .then(|| pick::slot(pick::hash(key), 0, frontend.workers))
}
