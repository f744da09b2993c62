//! A connection of a proxy frontend goes to a worker's socket, whatever that socket is bound to.

use aya_ebpf::programs::SkLookupContext;
use gateway_common::{
    abi::{FORWARD, FlowKey, TCP},
    addr::Addr,
    steer::steer,
};

use crate::{maps::LISTENERS, world::World};

const AF_INET: u32 = 2;

/// Assigns the worker's socket where the proxy serves the destination.
#[inline(always)]
pub(crate) fn assign(ctx: &SkLookupContext) {
    // SAFETY: the kernel hands the program a valid context.
    let lookup = unsafe { &*ctx.lookup };
    // IPv6 frontends arrive with the IPv6 data path.
    if lookup.protocol != TCP || lookup.family != AF_INET {
        return;
    }
    let key = FlowKey {
        source: v4(lookup.remote_ip4),
        destination: v4(lookup.local_ip4),
        source_port: u16::from_be(lookup.remote_port),
        destination_port: lookup.local_port as u16,
        protocol: TCP as u16,
        direction: FORWARD,
    };
    if let Some(worker) = steer(&key, &World) {
        // No socket in the slot, or a closed one: the node's own lookup goes on.
        let _ = LISTENERS.redirect_sk_lookup(ctx, worker, 0);
    }
}

/// From a word in memory order.
#[inline(always)]
const fn v4(word: u32) -> Addr {
    let [a, b, c, d] = word.to_ne_bytes();
    Addr::from_v4([u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d])])
}
