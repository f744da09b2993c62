//! TCP (RFC 9293).

use core::mem::offset_of;

use super::{ACCEPTS, ENDS, End, L4, OPENS, RESETS, Signal};
use crate::{abi, checksum};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Tcp {
    pub source: u16,
    pub destination: u16,
    pub sequence: [u16; 2],
    pub acknowledged: [u16; 2],
    pub words: u8,
    pub flags: u8,
    pub window: u16,
    pub checksum: u16,
    pub urgent: u16,
}

/// A segment with one option of four bytes, at least.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Opening {
    pub tcp: Tcp,
    pub option: u16,
    pub value: u16,
}

impl Opening {
    /// The largest segment that the sender takes, where its first option says so. All known stacks
    /// put it first.
    #[inline(always)]
    pub const fn segment_size(&self) -> Option<u16> {
        /// Kind 2, length 4 (RFC 9293, 3.2).
        const SIZE: u16 = 0x0204_u16.to_be();
        let has_options = self.tcp.words >> 4 > 5;
        if has_options && self.option == SIZE {
            Some(u16::from_be(self.value))
        } else {
            None
        }
    }
}

/// A segment whose options are time stamps alone, as most segments have them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Stamped {
    pub tcp: Tcp,
    pub kind: [u16; 2],
    pub value: [u16; 2],
    pub echo: [u16; 2],
}

impl Stamped {
    /// Whether it is one: two NOPs, kind 8, length 10 (RFC 7323, appendix A).
    #[inline(always)]
    pub const fn is_usual(&self) -> bool {
        const KIND: [u16; 2] = [0x0101, 0x080a_u16.to_be()];
        let [first, second] = self.kind;
        self.tcp.words >> 4 == 8 && first == KIND[0] && second == KIND[1]
    }
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

impl L4 for Tcp {
    const PROTOCOL: u16 = abi::TCP as u16;
    const CHECKSUM: usize = offset_of!(Self, checksum);

    #[inline(always)]
    fn signal(&self) -> Signal {
        if self.flags & RST != 0 {
            RESETS
        } else if self.flags & FIN != 0 {
            ENDS
        } else {
            match self.flags & (SYN | ACK) {
                SYN => OPENS,
                flags if flags == SYN | ACK => ACCEPTS,
                _ => 0,
            }
        }
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

    #[inline(always)]
    fn adjust(&mut self, delta: u32) {
        self.checksum = checksum::apply(self.checksum, delta);
    }
}
