//! Keys and values of the BPF maps: flat, named fields, no implicit padding.
//!
//! Ports are in host order unless the name says `_be`. Layout changes need a new
//! [`crate::maps::ABI_VERSION`].
#![allow(unsafe_code, reason = "structs as bytes")]

mod address;
pub mod counters;
mod flow;
mod frontend;
mod served;
mod tls;

pub use address::{Address, LinkAddress, Mac};
pub use counters::{Count, Counter, Counters, Description, Kind};
pub use flow::{
    ANSWERED, BackendStats, CLOSED_BY_BACKEND, CLOSED_BY_CLIENT, ESTABLISHED, Event, FORWARD, Flow,
    FlowKey, RESET, REVERSE, TUNNEL,
};
pub use frontend::{
    BY_DSR, BY_SNAT, Backend, Frontend, FrontendKey, KIND_L4, KIND_PROXY, KIND_TLS, NEAR, Origin,
    Service, Snat, TagKey,
};
pub use served::Served;
pub use tls::{
    NAME_BYTES, NAME_END, NO_STAMPS, TLS_NOBODY, TLS_PROXY, TlsFull, TlsKey, TlsName, TlsNoStamps,
    TlsSecret, TlsTarget,
};

/// IP protocol numbers (IANA).
pub const TCP: u32 = 6;
pub const UDP: u32 = 17;

/// Two words as they lie in memory; by bytes, LLVM would store them one at a time.
#[inline(always)]
pub(crate) const fn bytes_of(words: [u64; 2]) -> [u8; 16] {
    // SAFETY: arrays of integers of the same size, any bits are valid.
    unsafe { core::mem::transmute(words) }
}

/// A word as it lies in memory; by bytes, LLVM would call memset for zeros.
#[inline(always)]
pub(crate) const fn link_of(word: u64) -> LinkAddress {
    // SAFETY: integers of the same size without padding, any bits are valid.
    unsafe { core::mem::transmute(word) }
}

/// Lets aya read and write these types as the bytes of map entries.
#[cfg(feature = "aya")]
mod pod {
    use super::*;
    use crate::{
        addr::Addr,
        splice::{HalfOpen, Hello, ShortHello, Splice},
    };

    macro_rules! pod {
        ($($name:ty),+) => {$(
            // SAFETY: repr(C), integers and byte arrays only, no padding (sizes asserted).
            unsafe impl aya::Pod for $name {}
        )+};
    }
    pod!(
        FrontendKey,
        Frontend,
        Service,
        Backend,
        FlowKey,
        Flow,
        Count,
        Counters,
        BackendStats,
        Event,
        Addr,
        Address,
        LinkAddress,
        Snat,
        TagKey,
        Origin,
        Served,
        TlsName,
        TlsTarget,
        TlsSecret,
        TlsFull,
        TlsNoStamps,
        Splice,
        HalfOpen,
        Hello,
        ShortHello
    );
}

const _: () = {
    use crate::addr::Addr;
    assert!(size_of::<FrontendKey>() == 24);
    assert!(size_of::<Frontend>() == 24);
    assert!(size_of::<Service>() == 16);
    assert!(size_of::<Backend>() == 56);
    assert!(size_of::<FlowKey>() == 40);
    assert!(size_of::<Flow>() == 64);
    assert!(size_of::<Count>() == 16);
    assert!(size_of::<BackendStats>() == 56);
    assert!(size_of::<Event>() == 56);
    assert!(size_of::<Addr>() == 16);
    assert!(size_of::<Address>() == 8);
    assert!(size_of::<LinkAddress>() == 8);
    assert!(size_of::<Snat>() == 32);
    assert!(size_of::<TagKey>() == 8);
    assert!(size_of::<Origin>() == 24);
    assert!(size_of::<Served>() == 512);
    assert!(size_of::<TlsName>() == 256);
    assert!(size_of::<TlsKey>() == 260);
    assert!(size_of::<TlsTarget>() == 16);
    assert!(size_of::<TlsSecret>() == 16);
    assert!(size_of::<TlsFull>() == 8);
    assert!(size_of::<TlsNoStamps>() == 4);
    assert!(size_of::<Counters>() == Counter::ALL.len() * size_of::<Count>());
};
