//! IPv6 (RFC 8200).

use super::{End, Ether, HOPS, Ip};
use crate::{abi::Counter, addr::Addr, maps::SNAT_V6};

/// Next header: a fragment of a packet.
const FRAGMENT: u8 = 44;
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

impl Ip for Ipv6 {
    const ICMP: u8 = 58;
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

    /// Without a checksum of its own.
    #[inline(always)]
    fn set(&mut self, end: End, address: Addr, _delta: u32) {
        match end {
            End::Source => self.source = address.v6(),
            End::Destination => self.destination = address.v6(),
        }
    }
}
