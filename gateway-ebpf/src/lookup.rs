//! A connection of a proxy frontend goes to a worker's socket, whatever that socket is bound to;
//! what a layer 4 frontend could not send on goes to no socket.

use aya_ebpf::programs::SkLookupContext;
use gateway_common::{
    abi::{FORWARD, FlowKey, TCP, UDP},
    addr::Addr,
    maps::LISTENERS_V6,
    steer::{Steer, steer},
};

use crate::{maps::LISTENERS, world::World};

const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;

/// Assigns the worker's socket where the proxy serves the destination.
#[inline(always)]
pub(crate) fn assign(ctx: &SkLookupContext) -> Steer {
    // SAFETY: the kernel hands the program a valid context.
    let lookup = unsafe { &*ctx.lookup };
    if !matches!(lookup.protocol, TCP | UDP) {
        return Steer::Node;
    }
    let (source, destination, first) = match lookup.family {
        AF_INET => (v4(lookup.remote_ip4), v4(lookup.local_ip4), 0),
        AF_INET6 => (v6(&lookup.remote_ip6), v6(&lookup.local_ip6), LISTENERS_V6),
        _ => return Steer::Node,
    };
    let key = FlowKey {
        source,
        destination,
        source_port: u16::from_be(lookup.remote_port),
        destination_port: lookup.local_port as u16,
        protocol: lookup.protocol as u16,
        direction: FORWARD,
    };
    match steer(&key, &World) {
        // Without a socket in the slot no daemon runs; a server of the node is not meant either.
        Steer::Worker(worker)
            if LISTENERS
                .redirect_sk_lookup(ctx, first + worker, 0)
                .is_err() =>
        {
            Steer::Refuse
        }
        taker => taker,
    }
}

/// From a word in memory order.
#[inline(always)]
const fn v4(word: u32) -> Addr {
    Addr::from_v4(halves(word))
}

/// From four words in memory order.
#[inline(always)]
fn v6(words: &[u32; 4]) -> Addr {
    // SAFETY: valid references. Volatile: the verifier takes loads of one word each.
    let word = |at: &u32| halves(unsafe { core::ptr::read_volatile(at) });
    let [[a, b], [c, d], [e, f], [g, h]] = words.each_ref().map(word);
    Addr::from_v6([a, b, c, d, e, f, g, h])
}

#[inline(always)]
const fn halves(word: u32) -> [u16; 2] {
    let [a, b, c, d] = word.to_ne_bytes();
    [u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d])]
}
