//! What the gateway serves: frontends, services and backends. Written by user space only.

use crate::addr::Addr;

/// What a client addresses.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrontendKey {
    pub address: Addr,
    pub port: u32,
    /// [`crate::abi::TCP`] or [`crate::abi::UDP`].
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
    /// 1, for [`KIND_L4`]: what has no backend is dropped; 0: the stack refuses it.
    pub silent: u32,
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
    /// 1: the client's address alone picks the slot; 0: the ports and the other address, too.
    pub affinity: u32,
}

/// One endpoint of one service.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backend {
    pub address: Addr,
    pub port: u32,
    /// Id of the service it belongs to.
    pub service: u32,
    /// Share of the service's slots, relative to its other backends; 0: it gets no new flows, and
    /// keeps those that it has.
    pub weight: u32,
    /// 1: its replies would not pass this node, so that it must see an address of the node as the
    /// client's.
    pub far: u32,
    /// 1: it will not come back, so that its flows have a deadline.
    pub draining: u32,
    pub pad: u32,
}

/// How far backends of one address family are reached.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snat {
    /// Of this node: what they see as the client's.
    pub address: Addr,
    /// Reserved for this: `ports` of them, from `first_port` on; 0: none can be reached.
    pub first_port: u32,
    pub ports: u32,
}

impl Snat {
    /// Whether packets to this address and port may be replies of far backends.
    #[inline(always)]
    pub fn takes(&self, address: &Addr, port: u16) -> bool {
        (port as u32).wrapping_sub(self.first_port) < self.ports && self.address == *address
    }
}
