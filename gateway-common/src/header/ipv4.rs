//! IPv4 (RFC 791).

use super::{End, Ether, HOPS, Ip};
use crate::{abi::Counter, addr::Addr, checksum, maps::SNAT_V4};

/// Version 4 and five words of header: no options.
const PLAIN: u8 = 0x45;
/// Fragment offset and the "more fragments" bit, in memory order.
const FRAGMENT: u16 = 0x3fff_u16.to_be();

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
    fn set(&mut self, end: End, address: Addr, delta: u32) {
        match end {
            End::Source => self.source = address.v4(),
            End::Destination => self.destination = address.v4(),
        }
        self.checksum = checksum::apply(self.checksum, delta);
    }
}
