//! ICMP (RFC 792) and ICMPv6 (RFC 4443), as far as both are alike.

use super::{Ip, L4 as _, Udp};
use crate::{abi::FlowKey, checksum};

/// What every message begins with.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Icmp {
    pub kind: u8,
    pub code: u8,
    pub checksum: u16,
    /// Depends on the kind: for instance the MTU of the next hop.
    pub rest: [u16; 2],
}

/// An error: the beginning of the packet that caused it, of which 8 bytes of the transport header
/// are certain. Of TCP those are the ports and the sequence number.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Quote<I> {
    pub icmp: Icmp,
    pub ip: I,
    pub l4: Udp,
}

impl Icmp {
    /// Makes it a message of another kind.
    #[inline(always)]
    pub const fn set_kind(&mut self, kind: u8) {
        let old = u16::from_ne_bytes([self.kind, self.code]);
        let new = u16::from_ne_bytes([kind, self.code]);
        self.kind = kind;
        self.adjust(checksum::word_delta(old, new));
    }

    /// What this header adds to a checksum.
    #[inline(always)]
    pub const fn sum(&self) -> u64 {
        let first = u16::from_ne_bytes([self.kind, self.code]);
        let [a, b] = self.rest;
        first as u64 + self.checksum as u64 + a as u64 + b as u64
    }

    /// Corrects the checksum by the delta of everything that changes.
    #[inline(always)]
    pub const fn adjust(&mut self, delta: u32) {
        self.checksum = checksum::apply(self.checksum, delta);
    }
}

impl<I: Ip> Quote<I> {
    /// Protocol of the packet that caused the error, where we may touch it.
    #[inline(always)]
    pub fn protocol(&self) -> Option<u8> {
        self.ip.plain().ok()
    }

    /// Key in `direction` of packets that go the other way than the one that caused the error, where
    /// we may touch that.
    #[inline(always)]
    pub fn key(&self, direction: u16) -> Option<FlowKey> {
        let protocol = self.protocol()?;
        Some(FlowKey {
            source: self.ip.destination(),
            destination: self.ip.source(),
            source_port: self.l4.destination(),
            destination_port: self.l4.source(),
            protocol: u16::from(protocol),
            direction,
        })
    }

    /// Sequence number of a TCP segment that caused the error, in memory order.
    #[inline(always)]
    pub const fn sequence(&self) -> [u16; 2] {
        [self.l4.length, self.l4.checksum]
    }

    #[inline(always)]
    pub const fn set_sequence(&mut self, [high, low]: [u16; 2]) {
        self.l4.length = high;
        self.l4.checksum = low;
    }

    /// Corrects the error's own checksum for what changed: its own addresses, those that it quotes, and
    /// the rest of the quote.
    #[inline(always)]
    pub fn resum(&mut self, own: u32, quoted: u32, rest: u32) {
        // A quoted IPv4 header sums up to the same as before: its own checksum has changed, too.
        self.icmp.adjust(match I::ICMP_COVERS_ADDRESSES {
            true => rest + own + quoted,
            false => rest,
        });
    }

    /// The MTU that the error tells of, where it does: 0 from routers that do not know better
    /// (RFC 1191, 4).
    #[inline(always)]
    pub fn mtu(&self) -> Option<u32> {
        let [high, low] = self.icmp.rest.map(u16::from_be);
        let is_too_big = [self.icmp.kind, self.icmp.code] == I::TOO_BIG;
        // In IPv4 the first half has other uses (RFC 4884, 4.1).
        let high = match I::ICMP_COVERS_ADDRESSES {
            true => u32::from(high),
            false => 0,
        };
        is_too_big.then_some(high << 16 | u32::from(low))
    }
}
