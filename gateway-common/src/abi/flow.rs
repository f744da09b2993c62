//! What the kernel remembers of connections and tells of them.

use crate::{abi::LinkAddress, addr::Addr};

/// `FlowKey::direction`: from a client to the gateway.
pub const FORWARD: u16 = 0;
/// `FlowKey::direction`: from a backend to a client.
pub const REVERSE: u16 = 1;

/// Bits of `Flow::state`, TCP only.
pub const CLOSED_BY_CLIENT: u32 = 1;
pub const CLOSED_BY_BACKEND: u32 = 2;
pub const RESET: u32 = 4;
/// Bit of `Flow::state`, UDP only, until it is established: the backend has replied.
pub const ANSWERED: u32 = 8;
/// Bit of `Flow::state`: both ends take part, so that the entry is in the map of established flows
/// and not in that of fresh ones.
pub const ESTABLISHED: u32 = 16;
/// Bit of `Flow::state`: requests come or go in an outer header (DSR).
pub const TUNNEL: u32 = 32;

/// A packet's addresses as it arrives: (client, gateway) or (backend, client).
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowKey {
    pub source: Addr,
    pub destination: Addr,
    pub source_port: u16,
    pub destination_port: u16,
    /// [`crate::abi::TCP`] or [`crate::abi::UDP`].
    pub protocol: u16,
    /// [`FORWARD`] or [`REVERSE`]: what one direction rewrites never hides the other.
    pub direction: u16,
}

impl FlowKey {
    /// As [`Addr::copied`].
    #[inline(always)]
    pub const fn copied(&self) -> Self {
        Self {
            source: self.source.copied(),
            destination: self.destination.copied(),
            ..*self
        }
    }
}

/// What becomes of the packets of a [`FlowKey`]. Each connection has two entries, one for each
/// direction, and each can be found from the other (see `FlowKey::other`); by DSR to another node
/// the forward one only, for replies do not pass this node.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Forward: the backend, the new destination. Reverse: the gateway, the new source.
    pub address: Addr,
    /// For a backend whose replies do not pass this node by themselves. Forward: an address of the
    /// node, the new source. Reverse: the client, the new destination. By DSR: the backend's node.
    pub peer: Addr,
    pub port: u32,
    /// Port of `peer`, or by DSR the backend's tag; 0: the other end of the packet stays as it is.
    pub peer_port: u32,
    pub service: u32,
    pub backend: u32,
    /// [`CLOSED_BY_CLIENT`], [`CLOSED_BY_BACKEND`], [`RESET`], [`ANSWERED`], [`ESTABLISHED`],
    /// [`TUNNEL`].
    pub state: u32,
    /// Low 32 bits of the kernel's jiffies; up to a second late.
    pub last_seen: u32,
    /// What the new addresses add to a checksum, in memory order (RFC 1624).
    pub address_delta: u32,
    /// What the new ports add to a checksum, in memory order (RFC 1624).
    pub port_delta: u32,
}

/// Traffic of one backend, per CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackendStats {
    pub request_packets: u64,
    pub request_bytes: u64,
    pub reply_packets: u64,
    pub reply_bytes: u64,
    /// Flows opened.
    pub flows: u64,
    /// Of these, TCP connections that began with a SYN.
    pub asked: u64,
    /// SYN-ACKs of the backend. What goes by DSR to another node is counted there.
    pub accepted: u64,
}

/// A dropped packet, or a claim to an address of this node; of each at most one per CPU in a tenth
/// of a second, the counters know them all.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub key: FlowKey,
    /// A [`crate::abi::Counter`] of kind refuse, drop or conflict, see `Counter::from_index`.
    pub reason: u32,
    /// Bytes of the frame.
    pub bytes: u32,
    /// Who claims the address of `key`, for kind conflict; else zeros.
    pub station: LinkAddress,
}
