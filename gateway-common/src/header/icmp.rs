//! ICMP (RFC 792) and ICMPv6 (RFC 4443), as far as both are alike.

use super::{Ip, Udp};
use crate::checksum;

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
}
