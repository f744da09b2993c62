//! Differences against sums over the whole text.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::*;

/// xorshift64*: enough randomness for a property, and no dependency.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// RFC 1071 by the book, over big-endian words.
fn full(text: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for word in text.chunks(2) {
        sum += u32::from(u16::from_be_bytes([word[0], word[1]]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be()
}

#[test]
fn differences_equal_full_sums() {
    let mut rng = Rng(0x5eed);
    for _ in 0..20_000 {
        let bits = rng.next();
        let v6 = bits & 1 == 0;
        let mut address = || -> Addr {
            let bits = rng.next();
            if v6 {
                let low = u128::from(rng.next());
                core::net::IpAddr::from(Ipv6Addr::from_bits(u128::from(bits) << 64 | low)).into()
            } else {
                Ipv4Addr::from_bits(bits as u32).into()
            }
        };
        let (old, new) = (address(), address());
        let (from, to) = ((bits >> 8) as u16, (bits >> 24) as u16);
        // A word that never changes and is not zero, as in every real header.
        let text = |a: Addr, port: u16| [&[0x45, 0][..], &a.bytes, &port.to_be_bytes()].concat();
        let before = full(&text(old, from));
        let deltas = address_delta(&old, &new) + port_delta(from, to);
        let after = apply(before, deltas);
        assert_eq!(
            after,
            full(&text(new, to)),
            "{old:?}:{from} -> {new:?}:{to}"
        );
        let back = reverse(address_delta(&old, &new)) + reverse(port_delta(from, to));
        assert_eq!(apply(after, back), before);
    }
}
