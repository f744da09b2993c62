//! A connection of a proxy frontend goes to a worker's socket, whatever that socket is bound to;
//! what a layer 4 frontend could not send on goes to no socket.

use aya_ebpf::programs::SkLookupContext;
use gateway_common::{
    abi::{FORWARD, FlowKey, TCP, UDP},
    addr::Addr,
    steer::{Steer, steer},
};

use crate::{maps::LISTENERS, world::World};

const AF_INET: u32 = 2;

/// Assigns the worker's socket where the proxy serves the destination.
#[inline(always)]
pub(crate) fn assign(ctx: &SkLookupContext) -> Steer {
    // SAFETY: the kernel hands the program a valid context.
    let lookup = unsafe { &*ctx.lookup };
    // IPv6 frontends arrive with the IPv6 data path.
    if !matches!(lookup.protocol, TCP | UDP) || lookup.family != AF_INET {
        return Steer::Node;
    }
    let key = FlowKey {
        source: v4(lookup.remote_ip4),
        destination: v4(lookup.local_ip4),
        source_port: u16::from_be(lookup.remote_port),
        destination_port: lookup.local_port as u16,
        protocol: lookup.protocol as u16,
        direction: FORWARD,
    };
    match steer(&key, &World) {
        // Without a socket in the slot no daemon runs; a server of the node is not meant either.
        Steer::Worker(worker) if LISTENERS.redirect_sk_lookup(ctx, worker, 0).is_err() => {
            Steer::Refuse
        }
        taker => taker,
    }
}

/// From a word in memory order.
#[inline(always)]
const fn v4(word: u32) -> Addr {
    let [a, b, c, d] = word.to_ne_bytes();
    Addr::from_v4([u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d])])
}
