//! IPv4 (RFC 791).

use super::{CONGESTED, End, Ether, HOPS, Ip};
use crate::{abi::Counter, addr::Addr, checksum, maps::SNAT_V4};

/// Version 4 and five words of header: no options.
const PLAIN: u8 = 0x45;
/// Fragment offset and the "more fragments" bit, in memory order.
const FRAGMENT: u16 = 0x3fff_u16.to_be();
/// The "do not fragment" bit, in memory order.
const WHOLE: u16 = 0x4000_u16.to_be();

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Ipv4 {
    pub version_words: u8,
    pub service: u8,
    pub length: u16,
    pub id: u16,
    pub fragment: u16,
    pub hops: u8,
    pub protocol: u8,
    pub checksum: u16,
    pub source: [u16; 2],
    pub destination: [u16; 2],
}

impl Ipv4 {
    #[inline(always)]
    const fn set_hops(&mut self, hops: u8) {
        let old = u16::from_ne_bytes([self.hops, self.protocol]);
        let new = u16::from_ne_bytes([hops, self.protocol]);
        self.hops = hops;
        self.checksum = checksum::apply(self.checksum, checksum::word_delta(old, new));
    }
}

impl Ip for Ipv4 {
    const ICMP: u8 = 1;
    const TUNNEL: u8 = 4;
    const TOO_BIG: [u8; 2] = [3, 4];
    const SNAT: u32 = SNAT_V4;
    const ECHO: u8 = 8;
    const ECHO_REPLY: u8 = 0;
    const ICMP_COVERS_ADDRESSES: bool = false;

    #[inline(always)]
    fn plain(&self) -> Result<u8, Counter> {
        if self.version_words != PLAIN {
            return match self.version_words {
                0x46..=0x4f => Err(Counter::PassOptions),
                _ => Err(Counter::PassMalformed),
            };
        }
        if self.fragment & FRAGMENT != 0 {
            return Err(Counter::PassFragment);
        }
        Ok(self.protocol)
    }

    #[inline(always)]
    fn holds(&self, frame: u64, l4: usize) -> bool {
        let length = u64::from(u16::from_be(self.length));
        length >= (size_of::<Self>() + l4) as u64 && length + size_of::<Ether>() as u64 <= frame
    }

    #[inline(always)]
    fn source(&self) -> Addr {
        Addr::from_v4(self.source)
    }

    #[inline(always)]
    fn destination(&self) -> Addr {
        Addr::from_v4(self.destination)
    }

    #[inline(always)]
    fn hops(&self) -> u8 {
        self.hops
    }

    #[inline(always)]
    fn hop(&mut self) {
        self.set_hops(self.hops.wrapping_sub(1));
    }

    /// Destination unreachable, time exceeded, parameter problem. Redirects are for this host.
    #[inline(always)]
    fn is_error(kind: u8) -> bool {
        matches!(kind, 3 | 11 | 12)
    }

    #[inline(always)]
    fn turn(&mut self) {
        self.set_hops(HOPS);
        (self.source, self.destination) = (self.destination, self.source);
    }

    #[inline(always)]
    fn sum(&self) -> u64 {
        let [a, b] = self.source;
        let [c, d] = self.destination;
        let bytes = [
            u16::from_ne_bytes([self.version_words, self.service]),
            u16::from_ne_bytes([self.hops, self.protocol]),
        ];
        let fields = self.length as u64 + self.id as u64 + self.fragment as u64;
        let ends = a as u64 + b as u64 + c as u64 + d as u64;
        bytes[0] as u64 + bytes[1] as u64 + fields + self.checksum as u64 + ends
    }

    #[inline(always)]
    fn payload(&self) -> u16 {
        u16::from_be(self.length).wrapping_sub(size_of::<Self>() as u16)
    }

    #[inline(always)]
    fn set_payload(&mut self, bytes: u16) {
        let length = (size_of::<Self>() as u16).wrapping_add(bytes).to_be();
        let delta = checksum::word_delta(self.length, length);
        self.length = length;
        self.checksum = checksum::apply(self.checksum, delta);
    }

    /// The identification names only fragments (RFC 6864), of which there are none: it is free.
    #[inline(always)]
    fn enclose(&mut self, inner: &Self, to: &Addr, tag: u32) {
        let inside = u16::from_be(inner.length);
        self.version_words = PLAIN;
        self.service = inner.service;
        self.length = inside.wrapping_add(size_of::<Self>() as u16).to_be();
        self.id = (tag as u16).to_be();
        self.fragment = WHOLE;
        self.hops = HOPS;
        self.protocol = Self::TUNNEL;
        self.checksum = 0;
        self.source = inner.source;
        self.destination = to.v4();
        self.checksum = checksum::text(self.sum());
    }

    #[inline(always)]
    fn write(&mut self, protocol: u8, source: &Addr, destination: &Addr, payload: u16) {
        self.version_words = PLAIN;
        self.service = 0;
        self.length = payload.wrapping_add(size_of::<Self>() as u16).to_be();
        self.id = 0;
        self.fragment = WHOLE;
        self.hops = HOPS;
        self.protocol = protocol;
        self.checksum = 0;
        self.source = source.v4();
        self.destination = destination.v4();
        self.checksum = checksum::text(self.sum());
    }

    #[inline(always)]
    fn tag(&self) -> u32 {
        u32::from(u16::from_be(self.id))
    }

    #[inline(always)]
    fn congestion(&self) -> u8 {
        self.service & CONGESTED
    }

    #[inline(always)]
    fn set_congested(&mut self) {
        let old = u16::from_ne_bytes([self.version_words, self.service]);
        self.service |= CONGESTED;
        let new = u16::from_ne_bytes([self.version_words, self.service]);
        self.checksum = checksum::apply(self.checksum, checksum::word_delta(old, new));
    }

    #[inline(always)]
    fn set(&mut self, end: End, address: Addr, delta: u32) {
        match end {
            End::Source => self.source = address.v4(),
            End::Destination => self.destination = address.v4(),
        }
        self.checksum = checksum::apply(self.checksum, delta);
    }
}
