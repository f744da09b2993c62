//! The address of a packet socket, which rustix does not have: an interface (packet(7)).
#![allow(unsafe_code, reason = "a socket address as the kernel reads it")]

use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque};

const AF_PACKET: u16 = 17;

/// `struct sockaddr_ll` (linux/if_packet.h). A raw socket sends whole frames and reads only the
/// family, the protocol and the interface.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkAddress {
    family: u16,
    protocol_be: u16,
    interface: i32,
    hardware: u16,
    kind: u8,
    length: u8,
    address: [u8; 8],
}

const _: () = assert!(size_of::<LinkAddress>() == 20);

impl LinkAddress {
    /// `protocol`: an EtherType, in memory order.
    pub(super) fn new(interface: u32, protocol: u16) -> Self {
        Self {
            family: AF_PACKET,
            protocol_be: protocol,
            interface: interface.cast_signed(),
            hardware: 0,
            kind: 0,
            length: 0,
            address: [0; 8],
        }
    }
}

// SAFETY: the pointer is to a whole `sockaddr_ll`, and the length is its size.
unsafe impl SocketAddrArg for LinkAddress {
    unsafe fn with_sockaddr<R>(
        &self,
        f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R,
    ) -> R {
        f(
            std::ptr::from_ref(self).cast(),
            size_of::<Self>() as SocketAddrLen,
        )
    }
}
