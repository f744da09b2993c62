//! Where a hello leads.

use aya_ebpf::btf_maps::lpm_trie::Key;
use gateway_common::{
    abi::{FlowKey, Frontend, TLS_NOBODY, TLS_PROXY, TlsKey, TlsName},
    splice::{self, Choice, Found},
    tables::Tables as _,
};

use crate::{
    hellos,
    maps::{TLS_NAMES, TLS_WILDCARDS},
    stats,
    world::World,
};

/// What becomes of a connection that begins so; counts what it is, and puts down what stands for the
/// entry of its name.
#[inline(always)]
pub(crate) fn choose(key: &FlowKey, found: Found, name: &mut u64) -> Choice {
    let Some(frontend) = World.frontend(&key.to()) else {
        return Choice::Local;
    };
    let service = match found {
        Found::Name | Found::NoName => service(frontend, found, name),
        Found::NotTls | Found::Malformed | Found::TooLong => TLS_NOBODY,
    };
    let (kind, choice) = splice::choose(found, service, frontend.resets != 0);
    stats::count_hello(kind);
    choice
}

/// Where the name of a hello leads, or a hello without one.
#[inline(always)]
fn service(frontend: &Frontend, found: Found, name: &mut u64) -> u32 {
    // That of the packet in hand, which has just been read.
    let Some(hello) = hellos::current() else {
        return TLS_PROXY;
    };
    let asked = hello.scan.key();
    asked.name.group = (frontend.service as u16).to_be_bytes();
    // By reference: so much is too much for the stack.
    let wanted: &TlsName = &asked.name;
    let exact = match found {
        // SAFETY: see `World`.
        Found::Name => unsafe { TLS_NAMES.get(wanted) },
        _ => None,
    };
    let target = exact.or_else(|| {
        let asked: *const TlsKey = asked;
        // SAFETY: the same layout, but for the alignment.
        TLS_WILDCARDS.get(unsafe { &*asked.cast::<Key<TlsName>>() })
    });
    let Some(target) = target else {
        return TLS_NOBODY;
    };
    *name = target.name;
    target.service
}
