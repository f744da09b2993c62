//! IPv6 (RFC 8200).

use super::{CONGESTED, End, Ether, HOPS, Ip};
use crate::{abi::Counter, addr::Addr, checksum, maps::SNAT_V6};

/// Next header: a fragment of a packet.
const FRAGMENT: u8 = 44;
/// Version 6, nothing else, in memory order.
const VERSION: u16 = 0x6000_u16.to_be();
/// Version and traffic class, without the flow label; the bits of congestion; in memory order.
const CLASS: u16 = 0xfff0_u16.to_be();
const CONGESTION: u16 = 0x0030_u16.to_be();

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Ipv6 {
    /// Version, traffic class and flow label.
    pub version_flow: [u16; 2],
    /// Bytes behind this header.
    pub length: u16,
    pub next: u8,
    pub hops: u8,
    pub source: [u16; 8],
    pub destination: [u16; 8],
}

/// As [`Addr::v6`], by words: it needs no room on the stack of a BPF program.
#[inline(always)]
const fn halves(address: &Addr) -> [u16; 8] {
    let [high, low] = address.words();
    let ([a, b, c, d], [e, f, g, h]) = (quarters(high), quarters(low));
    [a, b, c, d, e, f, g, h]
}

#[inline(always)]
const fn quarters(word: u64) -> [u16; 4] {
    let [a, b, c, d] = [
        word as u16,
        (word >> 16) as u16,
        (word >> 32) as u16,
        (word >> 48) as u16,
    ];
    if cfg!(target_endian = "little") {
        [a, b, c, d]
    } else {
        [d, c, b, a]
    }
}

impl Ip for Ipv6 {
    const ICMP: u8 = 58;
    const TUNNEL: u8 = 41;
    const TOO_BIG: [u8; 2] = [2, 0];
    const SNAT: u32 = SNAT_V6;
    const ECHO: u8 = 128;
    const ECHO_REPLY: u8 = 129;
    const ICMP_COVERS_ADDRESSES: bool = true;

    /// The maps hold IPv4 addresses mapped into IPv6: packets that carry such addresses
    /// themselves, which no network may (RFC 4291, 2.5.5.2), must not be taken for IPv4.
    #[inline(always)]
    fn plain(&self) -> Result<u8, Counter> {
        let mapped = self.source().is_v4() || self.destination().is_v4();
        if self.version_flow[0].to_ne_bytes()[0] >> 4 != 6 || mapped {
            return Err(Counter::PassMalformed);
        }
        match self.next {
            FRAGMENT => Err(Counter::PassFragment),
            // Hop by hop, routing, ESP, AH, destination options, mobility, HIP, shim6 (IANA).
            0 | 43 | 50 | 51 | 60 | 135 | 139 | 140 => Err(Counter::PassOptions),
            next => Ok(next),
        }
    }

    #[inline(always)]
    fn holds(&self, frame: u64, l4: usize) -> bool {
        let length = u64::from(u16::from_be(self.length));
        let headers = (size_of::<Ether>() + size_of::<Self>()) as u64;
        length >= l4 as u64 && headers + length <= frame
    }

    #[inline(always)]
    fn source(&self) -> Addr {
        Addr::from_v6(self.source)
    }

    #[inline(always)]
    fn destination(&self) -> Addr {
        Addr::from_v6(self.destination)
    }

    #[inline(always)]
    fn hops(&self) -> u8 {
        self.hops
    }

    #[inline(always)]
    fn hop(&mut self) {
        self.hops = self.hops.wrapping_sub(1);
    }

    /// Destination unreachable, packet too big, time exceeded, parameter problem.
    #[inline(always)]
    fn is_error(kind: u8) -> bool {
        matches!(kind, 1..=4)
    }

    #[inline(always)]
    fn turn(&mut self) {
        self.hops = HOPS;
        let (source, destination) = (self.source(), self.destination());
        self.source = destination.v6();
        self.destination = source.v6();
    }

    #[inline(always)]
    fn sum(&self) -> u64 {
        let [a, b] = self.version_flow;
        let last = u16::from_ne_bytes([self.next, self.hops]);
        let fields = a as u64 + b as u64 + self.length as u64 + last as u64;
        let ends = checksum::address(&self.source()) + checksum::address(&self.destination());
        fields + ends
    }

    #[inline(always)]
    fn payload(&self) -> u16 {
        u16::from_be(self.length)
    }

    #[inline(always)]
    fn set_payload(&mut self, bytes: u16) {
        self.length = bytes.to_be();
    }

    /// The flow label is the sender's to choose, and the same for all packets of a flow (RFC 6437).
    #[inline(always)]
    fn enclose(&mut self, inner: &Self, to: &Addr, tag: u32) {
        let inside = u16::from_be(inner.length);
        self.version_flow = [inner.version_flow[0] & CLASS, (tag as u16).to_be()];
        self.length = inside.wrapping_add(size_of::<Self>() as u16).to_be();
        self.next = Self::TUNNEL;
        self.hops = HOPS;
        self.source = inner.source;
        self.destination = to.v6();
    }

    #[inline(always)]
    fn write(&mut self, protocol: u8, source: &Addr, destination: &Addr, payload: u16) {
        self.version_flow = [VERSION, 0];
        self.length = payload.to_be();
        self.next = protocol;
        self.hops = HOPS;
        self.source = halves(source);
        self.destination = halves(destination);
    }

    #[inline(always)]
    fn tag(&self) -> u32 {
        u32::from(u16::from_be(self.version_flow[1]))
    }

    #[inline(always)]
    fn congestion(&self) -> u8 {
        (u16::from_be(self.version_flow[0]) >> 4) as u8 & CONGESTED
    }

    #[inline(always)]
    fn set_congested(&mut self) {
        self.version_flow[0] |= CONGESTION;
    }

    /// Without a checksum of its own.
    #[inline(always)]
    fn set(&mut self, end: End, address: Addr, _delta: u32) {
        match end {
            End::Source => self.source = address.v6(),
            End::Destination => self.destination = address.v6(),
        }
    }
}
