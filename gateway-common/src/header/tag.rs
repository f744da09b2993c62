//! VLAN tags (IEEE 802.1Q, clause 9).

use super::Ether;
use crate::abi::Mac;

/// Tag protocol identifiers of customer and service tags, in memory order.
const CUSTOMER: u16 = 0x8100_u16.to_be();
const SERVICE: u16 = 0x88a8_u16.to_be();

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Tag {
    pub kind: u16,
    /// Priority, drop eligibility and the number of the VLAN.
    pub control: u16,
}

/// The start of a frame with a tag.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Tagged {
    pub ends: [Mac; 2],
    pub tag: Tag,
    /// EtherType of what follows.
    pub next: u16,
}

impl Tag {
    /// Whether a tag begins with this field of an Ethernet header.
    #[inline(always)]
    pub const fn is_next(kind: u16) -> bool {
        matches!(kind, CUSTOMER | SERVICE)
    }

    /// Never zero.
    #[inline(always)]
    pub const fn to_word(self) -> u32 {
        (self.kind as u32) << 16 | self.control as u32
    }

    #[inline(always)]
    pub const fn from_word(word: u32) -> Self {
        Self {
            kind: (word >> 16) as u16,
            control: word as u16,
        }
    }
}

impl Ether {
    /// Where the frame goes, and where it comes from.
    #[inline(always)]
    pub const fn ends(&self) -> [Mac; 2] {
        [self.destination, self.source]
    }

    #[inline(always)]
    pub const fn set_ends(&mut self, [destination, source]: [Mac; 2]) {
        self.destination = destination;
        self.source = source;
    }
}
