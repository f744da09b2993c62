//! UDP (RFC 768).

use core::mem::offset_of;

use super::{End, L4, Signal};
use crate::{abi, checksum};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Udp {
    pub source: u16,
    pub destination: u16,
    pub length: u16,
    pub checksum: u16,
}

impl Udp {
    /// What this header adds to a checksum.
    #[inline(always)]
    pub const fn sum(&self) -> u64 {
        let ports = self.source as u64 + self.destination as u64;
        ports + self.length as u64 + self.checksum as u64
    }
}

impl L4 for Udp {
    const PROTOCOL: u16 = abi::UDP as u16;
    const CHECKSUM: usize = offset_of!(Self, checksum);

    #[inline(always)]
    fn signal(&self) -> Signal {
        0
    }

    #[inline(always)]
    fn source(&self) -> u16 {
        u16::from_be(self.source)
    }

    #[inline(always)]
    fn destination(&self) -> u16 {
        u16::from_be(self.destination)
    }

    #[inline(always)]
    fn set(&mut self, end: End, port: u16) {
        match end {
            End::Source => self.source = port.to_be(),
            End::Destination => self.destination = port.to_be(),
        }
    }

    #[inline(always)]
    fn checksum(&self) -> u16 {
        self.checksum
    }

    /// Zero says "no checksum" and stays; a sum of zero is sent as all ones.
    #[inline(always)]
    fn adjust(&mut self, delta: u32) {
        if self.checksum != 0 {
            self.checksum = match checksum::apply(self.checksum, delta) {
                0 => u16::MAX,
                sum => sum,
            };
        }
    }
}
