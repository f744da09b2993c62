//! The gateway's addresses on the network: who answers for them, and with which link address.

use crate::abi::link_of;

/// What this node knows of an address of a Gateway. Written by user space only; an address that an
/// interface of the node has, too, is not in the map: the stack answers for it as ever.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// 1: this node answers ARP and neighbour discovery. 0: another node does, this one is silent.
    pub owned: u32,
    pub pad: u32,
}

/// An Ethernet address: of an interface that the programs run on, or of another station.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkAddress {
    pub mac: [u8; 6],
    /// Of an uplink, 1: its driver may lose what XDP sends, so the program at tcx ingress answers.
    pub detour: u16,
}

/// An Ethernet address as headers hold it: 16-bit words in memory order.
pub type Mac = [u16; 3];

impl Address {
    /// Owned by this node, or by another.
    pub const fn new(owned: bool) -> Self {
        Self {
            owned: owned as u32,
            pad: 0,
        }
    }

    #[inline(always)]
    pub const fn is_owned(&self) -> bool {
        self.owned != 0
    }
}

impl LinkAddress {
    pub const fn new(mac: [u8; 6]) -> Self {
        Self { mac, detour: 0 }
    }

    /// From its 16-bit words, in memory order; zeros for none.
    #[inline(always)]
    pub const fn from_words([a, b, c]: Mac) -> Self {
        let word = if cfg!(target_endian = "little") {
            (c as u64) << 32 | (b as u64) << 16 | a as u64
        } else {
            (a as u64) << 48 | (b as u64) << 32 | (c as u64) << 16
        };
        link_of(word)
    }

    /// As headers hold it.
    #[inline(always)]
    pub const fn words(&self) -> Mac {
        let [a, b, c, d, e, f] = self.mac;
        [
            u16::from_ne_bytes([a, b]),
            u16::from_ne_bytes([c, d]),
            u16::from_ne_bytes([e, f]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_bytes_agree() {
        let link = LinkAddress::new([2, 1, 3, 5, 7, 11]);
        assert_eq!(LinkAddress::from_words(link.words()), link);
        assert_eq!(LinkAddress::from_words([0; 3]), LinkAddress::default());
    }
}
