//! Keys and values of the BPF maps: flat, named fields, no implicit padding.
//!
//! Ports are in host order unless the name says `_be`. Layout changes need a new
//! [`crate::maps::ABI_VERSION`].

use crate::addr::Addr;

/// IP protocol numbers (IANA).
pub const TCP: u32 = 6;
pub const UDP: u32 = 17;

/// What a client addresses.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrontendKey {
    pub address: Addr,
    pub port: u32,
    /// [`TCP`] or [`UDP`].
    pub protocol: u32,
}

/// `Frontend::kind`: XDP forwards to a backend of `service`.
pub const KIND_L4: u32 = 1;
/// `Frontend::kind`: the packet goes to the stack and its connection to a worker of the proxy.
pub const KIND_PROXY: u32 = 2;

/// Who serves a [`FrontendKey`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frontend {
    /// [`KIND_L4`] or [`KIND_PROXY`].
    pub kind: u32,
    /// Service id, for [`KIND_L4`].
    pub service: u32,
    /// Number of proxy workers, for [`KIND_PROXY`]: slots `0..workers` of the `listeners` map.
    pub workers: u32,
    pub pad: u32,
}

/// A set of weighted backends behind a frontend.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// First slot of its lookup table in the `maglev` map.
    pub maglev_offset: u32,
    /// Slots of the table, a prime; 0 where the service has no backend.
    pub maglev_size: u32,
    /// Number of distinct backends in the table.
    pub backends: u32,
    pub pad: u32,
}

/// One endpoint of one service.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backend {
    pub address: Addr,
    pub port: u32,
    /// Id of the service it belongs to.
    pub service: u32,
    /// Share of the service's slots, relative to its other backends.
    pub weight: u32,
    pub pad: u32,
}

const _: () = {
    assert!(size_of::<FrontendKey>() == 24);
    assert!(size_of::<Frontend>() == 16);
    assert!(size_of::<Service>() == 16);
    assert!(size_of::<Backend>() == 32);
};
