//! Network headers as they lie in a frame. Multi-byte fields are in network order.

mod arp;
mod icmp;
mod icmp6;
mod ipv4;
mod ipv6;
mod tag;
mod tcp;
mod tunnel;
mod udp;

pub use arp::{ARP_REPLY, ARP_REQUEST, Arp};
pub use icmp::{Icmp, Quote};
pub use icmp6::{ADVERTISEMENT, Advertisement, Neighbour, SOLICITATION};
pub use ipv4::Ipv4;
pub use ipv6::Ipv6;
pub use tag::{Tag, Tagged};
pub use tcp::{Opening, Stamped, Tcp};
pub use tunnel::{DeepQuote, Nested};
pub use udp::Udp;

use crate::{
    abi::{Counter, FlowKey, Mac},
    addr::Addr,
    packet::{Frame, Wire},
};

/// EtherType of IPv4, in memory order (IEEE 802 numbers).
pub const ETHER_IPV4: u16 = 0x0800_u16.to_be();

/// EtherType of IPv6, in memory order.
pub const ETHER_IPV6: u16 = 0x86dd_u16.to_be();
/// EtherType of ARP, in memory order.
pub const ETHER_ARP: u16 = 0x0806_u16.to_be();

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Ether {
    pub destination: Mac,
    pub source: Mac,
    pub kind: u16,
}

/// Hops that a packet of ours may take (RFC 1700).
const HOPS: u8 = 64;

/// Which end of a packet is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Source,
    Destination,
}

impl End {
    #[inline(always)]
    pub const fn other(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }
}

/// A network header.
pub trait Ip: Wire {
    /// Protocol number of this family's control messages, and their kinds that ask for an echo
    /// and answer.
    const ICMP: u8;
    const ECHO: u8;
    const ECHO_REPLY: u8;
    /// The checksum of control messages covers the addresses, as that of transport headers does.
    const ICMP_COVERS_ADDRESSES: bool;
    /// The protocol of a packet that we may touch; else why it is left alone.
    fn plain(&self) -> Result<u8, Counter>;
    /// Whether the packet of so many frame bytes holds what its length says, and a header of
    /// `l4` bytes. Not for packets of the node itself: offloads leave lengths open.
    fn holds(&self, frame: u64, l4: usize) -> bool;
    fn source(&self) -> Addr;
    fn destination(&self) -> Addr;
    /// Whether control messages of this kind tell of an error and quote a packet.
    fn is_error(kind: u8) -> bool;
    /// Sends the packet back where it came from, as a new one of this host.
    fn turn(&mut self);
    /// Hops that are left.
    fn hops(&self) -> u8;
    /// One hop fewer.
    fn hop(&mut self);
    /// Slot of this family in the map `snat`.
    const SNAT: u32;
    /// Puts an address in, and corrects this header's own checksum by its delta.
    fn set(&mut self, end: End, address: Addr, delta: u32);
    /// Kind and code of the error that tells of a smaller MTU.
    const TOO_BIG: [u8; 2];
    /// Protocol number of a packet of this family inside another (RFC 2003, RFC 2473).
    const TUNNEL: u8;
    /// What this header adds to a checksum.
    fn sum(&self) -> u64;
    /// Bytes behind this header, as it says.
    fn payload(&self) -> u16;
    fn set_payload(&mut self, bytes: u16);
    /// Makes this the outer header of the packet of `inner`, from the same source to `to`. It asks
    /// routers not to fragment, has the traffic class of the packet (RFC 6040), and carries 16 bits
    /// beside.
    fn enclose(&mut self, inner: &Self, to: &Addr, tag: u32);
    /// Writes a whole header: of a packet of this host, of `protocol` and with `payload` bytes.
    fn write(&mut self, protocol: u8, source: &Addr, destination: &Addr, payload: u16);
    /// These 16 bits, of an outer header.
    fn tag(&self) -> u32;
    /// Congestion notification bits (RFC 3168), and setting them to "experienced".
    fn congestion(&self) -> u8;
    fn set_congested(&mut self);
}

/// Of [`Ip::congestion`]: not capable, and congestion experienced.
pub const NOT_CAPABLE: u8 = 0;
pub const CONGESTED: u8 = 3;

/// What a packet means for its flow, as bits: 0 for ordinary data.
pub type Signal = u32;
/// Opens a connection: SYN without ACK.
pub const OPENS: Signal = 1;
/// The sender sends no more: FIN.
pub const ENDS: Signal = 2;
/// The connection is gone: RST.
pub const RESETS: Signal = 4;
/// Answers [`OPENS`]: SYN with ACK.
pub const ACCEPTS: Signal = 8;

/// A transport header.
pub trait L4: Wire {
    /// IP protocol number.
    const PROTOCOL: u16;
    /// Offset of the checksum field in this header.
    const CHECKSUM: usize;
    fn signal(&self) -> Signal;
    /// Host order.
    fn source(&self) -> u16;
    /// Host order.
    fn destination(&self) -> u16;
    /// `port` in host order; the checksum is [`L4::adjust`]'s.
    fn set(&mut self, end: End, port: u16);
    /// The checksum field.
    fn checksum(&self) -> u16;
    /// Corrects the checksum by the deltas of everything that changes.
    fn adjust(&mut self, delta: u32);
}

impl<I: Ip, L: L4> Frame<I, L> {
    /// Key of this packet in `direction`.
    #[inline(always)]
    pub fn key(&self, direction: u16) -> FlowKey {
        FlowKey {
            source: self.ip.source(),
            destination: self.ip.destination(),
            source_port: self.l4.source(),
            destination_port: self.l4.destination(),
            protocol: L::PROTOCOL,
            direction,
        }
    }
}

mod wire {
    #![allow(unsafe_code, reason = "marks headers as views of packet bytes")]
    use super::{
        Advertisement, Arp, DeepQuote, Ether, Icmp, Ipv4, Ipv6, Neighbour, Nested, Opening, Quote,
        Stamped, Tagged, Tcp, Udp,
    };
    use crate::packet::Wire;

    macro_rules! wire {
        ($($name:ty: $size:literal),+) => {$(
            // SAFETY: u8 and u16 fields only; the size, equal to the sum of the fields, is checked.
            unsafe impl Wire for $name {}
            const _: () = assert!(size_of::<$name>() == $size && align_of::<$name>() <= 2);
        )+};
    }
    wire!(
        Ether: 14, Arp: 28, Ipv4: 20, Ipv6: 40, Tcp: 20, Udp: 8, Icmp: 8, Neighbour: 24,
        Advertisement: 32, Opening: 24, Stamped: 32, Tagged: 18
    );

    // SAFETY: every part is Wire and of even size, so that there is no padding between them.
    unsafe impl<I: Wire> Wire for Quote<I> {}
    // SAFETY: as above.
    unsafe impl<I: Wire> Wire for DeepQuote<I> {}
    // SAFETY: as above.
    unsafe impl<I: Wire> Wire for Nested<I> {}
    const _: () = assert!(size_of::<Quote<Ipv4>>() == 36 && size_of::<Quote<Ipv6>>() == 56);
}
