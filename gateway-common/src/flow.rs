//! Life of a flow: how its two entries find each other, when it closes, when it is forgotten.
//!
//! Times are the low 32 bits of the kernel's jiffies, `hz` of them to a second; differences wrap.

use crate::{
    abi::{
        CLOSED_BY_BACKEND, CLOSED_BY_CLIENT, ESTABLISHED, FORWARD, Flow, FlowKey, FrontendKey,
        RESET, REVERSE, TCP, TUNNEL,
    },
    checksum,
};

/// Idle time of an established TCP connection, in seconds (RFC 5382, REQ-5: at least 2 h 4 min).
pub const TCP_IDLE: u32 = 7_440;
/// Idle time of a TCP connection that nobody has said anything on yet, in seconds (RFC 5382, REQ-5:
/// at least 4 min).
pub const TCP_OPENING: u32 = 240;
/// Time for the last segments after both ends closed or one reset, in seconds.
pub const TCP_CLOSING: u32 = 10;
/// The same where only the client's segments are seen, so that the backend may go on for long after
/// the client's FIN (RFC 5382, REQ-5: at least 4 min).
pub const TCP_CLOSING_UNSEEN: u32 = 240;
/// Idle time of a UDP flow, in seconds. Short, so that a client that keeps its port follows
/// changes of the backends; a live exchange is far below it.
pub const UDP_IDLE: u32 = 60;

impl FlowKey {
    /// Key of the other direction's entry, given this direction's.
    #[inline(always)]
    pub const fn other(&self, flow: &Flow) -> Self {
        let near = match self.direction {
            FORWARD => (&self.source, self.source_port),
            _ => (&self.destination, self.destination_port),
        };
        let (peer, peer_port) = match flow.peer_port {
            0 => near,
            port => (&flow.peer, port as u16),
        };
        match self.direction {
            FORWARD => Self {
                source: flow.address,
                source_port: flow.port as u16,
                destination: *peer,
                destination_port: peer_port,
                protocol: self.protocol,
                direction: REVERSE,
            },
            _ => Self {
                source: *peer,
                source_port: peer_port,
                destination: flow.address,
                destination_port: flow.port as u16,
                protocol: self.protocol,
                direction: FORWARD,
            },
        }
    }

    /// The other direction's entry, given this direction's: it restores what this one rewrites.
    #[inline(always)]
    pub const fn mirror(&self, flow: &Flow) -> Flow {
        let (source, destination) = (
            (&self.source, self.source_port),
            (&self.destination, self.destination_port),
        );
        let ((address, port), (peer, peer_port)) = match self.direction {
            FORWARD => (destination, source),
            _ => (source, destination),
        };
        Flow {
            address: *address,
            port: port as u32,
            peer: *peer,
            peer_port: match flow.peer_port {
                0 => 0,
                _ => peer_port as u32,
            },
            service: flow.service,
            backend: flow.backend,
            state: flow.state,
            last_seen: flow.last_seen,
            address_delta: checksum::reverse(flow.address_delta),
            port_delta: checksum::reverse(flow.port_delta),
        }
    }

    /// Where the packet comes from: of a reply, the endpoint.
    #[inline(always)]
    pub const fn from(&self) -> FrontendKey {
        FrontendKey {
            address: self.source,
            port: self.source_port as u32,
            protocol: self.protocol as u32,
        }
    }

    /// Where the packet goes: of a request, the frontend.
    #[inline(always)]
    pub const fn to(&self) -> FrontendKey {
        FrontendKey {
            address: self.destination,
            port: self.destination_port as u32,
            protocol: self.protocol as u32,
        }
    }

    #[inline(always)]
    pub const fn is_tcp(&self) -> bool {
        self.protocol as u32 == TCP
    }
}

impl Flow {
    /// Both ends have sent a FIN, or one a RST. By DSR only the client's end is seen, and the
    /// backend's counts as closed.
    #[inline(always)]
    pub const fn closing(&self) -> bool {
        let both = CLOSED_BY_CLIENT | CLOSED_BY_BACKEND;
        self.state & RESET != 0 || self.state & both == both
    }

    /// Both ends take part in it.
    #[inline(always)]
    pub const fn is_established(&self) -> bool {
        self.state & ESTABLISHED != 0
    }

    /// One end of packets is rewritten.
    #[inline(always)]
    pub const fn is_near(&self) -> bool {
        self.peer_port == 0
    }

    /// Both ends of packets are rewritten, and the node sends them itself.
    #[inline(always)]
    pub const fn is_far(&self) -> bool {
        self.peer_port != 0 && self.state & TUNNEL == 0
    }

    /// Packets go to the backend's node in an outer header.
    #[inline(always)]
    pub const fn is_dsr(&self) -> bool {
        self.peer_port != 0 && self.state & TUNNEL != 0
    }

    /// At least a second since `last_seen`: worth a write.
    #[inline(always)]
    pub const fn stale(&self, now: u32, hz: u32) -> bool {
        now.wrapping_sub(self.last_seen) >= hz
    }
}

/// The entry has outlived its connection. The kernel keeps both entries of a flow about equally
/// fresh, so that each can be judged alone.
#[inline(always)]
pub const fn expired(key: &FlowKey, flow: &Flow, now: u32, hz: u32) -> bool {
    let limit = match (key.is_tcp(), flow.closing()) {
        (false, _) => UDP_IDLE,
        (true, true) => TCP_CLOSING,
        (true, false) if flow.is_established() => TCP_IDLE,
        (true, false) => TCP_OPENING,
    };
    now.wrapping_sub(flow.last_seen) > limit.wrapping_mul(hz)
}

/// Packets of the flow may be under way.
#[inline(always)]
pub const fn lives(key: &FlowKey, flow: &Flow, now: u32, hz: u32) -> bool {
    !flow.closing() && !expired(key, flow, now, hz)
}

/// The entry is of no use any more. The data path itself opens a closing flow anew for the first
/// segment of another connection, and needs not know how long the last one may still go on.
pub const fn forgettable(key: &FlowKey, flow: &Flow, now: u32, hz: u32) -> bool {
    if flow.is_dsr() && flow.closing() {
        return now.wrapping_sub(flow.last_seen) > TCP_CLOSING_UNSEEN.wrapping_mul(hz);
    }
    expired(key, flow, now, hz)
}

#[cfg(test)]
mod tests;
