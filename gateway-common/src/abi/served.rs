//! Which packets may concern the gateway, told by one look at a few bits.

use crate::addr::Addr;

const WORDS: usize = 64;
/// Of 2^64 by the golden ratio, odd: spreads what differs in a few bits over the upper ones.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// A Bloom filter with one hash over addresses, or over these with ports. Written by user space only,
/// which never takes a bit away: flows may outlive their listener and their backend.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    pub bits: [u64; WORDS],
}

impl Default for Served {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl Served {
    pub const NOTHING: Self = Self { bits: [0; WORDS] };

    /// Whether it may have been added: where this is `false`, it was not. Port 0 stands for none.
    #[inline(always)]
    pub const fn may_have(&self, address: &Addr, port: u16) -> bool {
        let (word, bit) = Self::place(address, port);
        self.bits[word] & bit != 0
    }

    /// Whether that is new.
    pub const fn add(&mut self, address: &Addr, port: u16) -> bool {
        let (word, bit) = Self::place(address, port);
        let before = self.bits[word];
        self.bits[word] |= bit;
        before != self.bits[word]
    }

    /// The upper 12 bits of the hash: 6 for the word, 6 for the bit.
    #[inline(always)]
    const fn place(address: &Addr, port: u16) -> (usize, u64) {
        let [high, low] = address.words();
        let hash = (high ^ low ^ port as u64).wrapping_mul(SPREAD) >> 52;
        ((hash >> 6) as usize % WORDS, 1 << (hash & 63))
    }
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn addresses_that_were_added_are_found_and_few_others() {
        let mut served = Served::NOTHING;
        let ours = [
            Addr::from(IpAddr::from(Ipv4Addr::new(10, 77, 0, 100))),
            Addr::from(IpAddr::from(Ipv6Addr::LOCALHOST)),
        ];
        for address in &ours {
            assert!(!served.may_have(address, 0));
            assert!(served.add(address, 0));
            assert!(!served.add(address, 0));
        }
        assert!(ours.iter().all(|address| served.may_have(address, 0)));
        let net = (0..=255).flat_map(|c| (0..=255).map(move |d| Ipv4Addr::new(10, 77, c, d)));
        let taken = net
            .filter(|v4| served.may_have(&Addr::from(IpAddr::from(*v4)), 0))
            .count();
        // Two bits of 4096, and so of 65,536 addresses.
        assert!((1..=128).contains(&taken), "{taken}");
        let ports = 1..=u16::MAX;
        let taken = ports.filter(|port| served.may_have(&ours[0], *port));
        assert!((1..=128).contains(&taken.count()));
    }
}
