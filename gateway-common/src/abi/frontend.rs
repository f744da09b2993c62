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
/// `Frontend::kind`: XDP reads the server name of a TLS connection, which leads to a service or to a
/// worker of the proxy.
pub const KIND_TLS: u32 = 3;

/// Who serves a [`FrontendKey`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frontend {
    /// [`KIND_L4`], [`KIND_PROXY`] or [`KIND_TLS`].
    pub kind: u32,
    /// Service id, for [`KIND_L4`]; for [`KIND_TLS`] the group of its server names, of 16 bits.
    pub service: u32,
    /// Number of proxy workers, for [`KIND_PROXY`] and [`KIND_TLS`]: slots `0..workers` of the
    /// `listeners` map.
    pub workers: u32,
    /// 1, for [`KIND_L4`]: what has no backend is dropped; 0: the stack refuses it.
    pub silent: u32,
    /// Largest TCP segment without options that clients may send, for [`KIND_TLS`]: what the narrowest
    /// uplink of the node carries.
    pub mss: u32,
    /// 1, for [`KIND_TLS`]: a connection is reset whose server name nobody has, or that does not begin
    /// with a hello; 0: the proxy gets it.
    pub resets: u32,
}

/// A set of weighted backends behind a frontend.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// First slot of its lookup table in the `maglev` map.
    pub maglev_offset: u32,
    /// Slots of the table: a prime, or 1 for one backend alone; 0 where the service has no backend.
    pub maglev_size: u32,
    /// Number of distinct backends in the table.
    pub backends: u32,
    /// 1: the client's address alone picks the slot; 0: the ports and the other address, too.
    pub affinity: u32,
}

/// `Backend::far`: its replies pass this node, which gives them the gateway's address.
pub const NEAR: u32 = 0;
/// `Backend::far`: it must see an address of this node as the client's, for its replies would not
/// pass this node otherwise.
pub const BY_SNAT: u32 = 1;
/// `Backend::far`: requests go to its node in an outer header, and that node does the rest.
pub const BY_DSR: u32 = 2;

/// One endpoint of one service.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backend {
    pub address: Addr,
    /// For [`BY_DSR`]: where its node takes outer headers.
    pub node: Addr,
    pub port: u32,
    /// Id of the service it belongs to.
    pub service: u32,
    /// Share of the service's slots, relative to its other backends; 0: it gets no new flows, and
    /// keeps those that it has.
    pub weight: u32,
    /// [`NEAR`], [`BY_SNAT`] or [`BY_DSR`].
    pub far: u32,
    /// 1: it will not come back, so that its flows have a deadline.
    pub draining: u32,
    /// What names it in outer headers: 16 bits, never 0.
    pub tag: u32,
}

/// The frontend whose flows go to an endpoint. Its replies tell their flow with that alone, so that a
/// new flow needs no entry for them.
///
/// The key is the endpoint, as a [`FrontendKey`]. Only near endpoints have one.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub address: Addr,
    pub port: u32,
    /// 1: flows of other frontends may go there, too.
    pub shared: u32,
}

impl Origin {
    /// Whether this is the frontend, shared or not.
    #[inline(always)]
    pub fn is(&self, frontend: &FrontendKey) -> bool {
        self.port == frontend.port && self.address == frontend.address
    }
}

/// What an outer header that arrives names; leads to the id of a backend on this node.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TagKey {
    pub service: u32,
    /// As `Backend::tag`.
    pub tag: u32,
}

/// What this node is to backends and gateways on other nodes, in one address family.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snat {
    /// Of this node: what far backends see as the client's, and where outer headers arrive.
    pub address: Addr,
    /// Reserved for this: `ports` of them, from `first_port` on; 0: none can be reached.
    pub first_port: u32,
    pub ports: u32,
    /// Largest packet of the link with this address, in bytes.
    pub mtu: u32,
    pub pad: u32,
}

impl Snat {
    /// Whether packets to this address and port may be replies of far backends.
    #[inline(always)]
    pub fn takes(&self, address: &Addr, port: u16) -> bool {
        (port as u32).wrapping_sub(self.first_port) < self.ports && self.address == *address
    }
}
