//! IP addresses as the maps hold them: 16 bytes, IPv4 mapped into IPv6.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::abi::bytes_of;

/// An IP address in network order; IPv4 as `::ffff:a.b.c.d` (RFC 4291, 2.5.5.2).
///
/// Bytes, so that `bpftool map dump` shows `10,0,0,1` at the end; aligned to 8, so that
/// copies and comparisons are two words each.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialOrd, Ord)]
#[expect(
    clippy::derived_hash_with_manual_eq,
    reason = "equal bytes and equal words are one"
)]
pub struct Addr {
    pub bytes: [u8; 16],
}

impl Addr {
    /// From the two 16-bit words of an IPv4 header, in memory order.
    #[inline(always)]
    pub const fn from_v4(words: [u16; 2]) -> Self {
        let [first, second] = words;
        let low = if cfg!(target_endian = "little") {
            (second as u64) << 48 | (first as u64) << 32 | 0xffff << 16
        } else {
            0xffff << 32 | (first as u64) << 16 | second as u64
        };
        Self {
            bytes: bytes_of([0, low]),
        }
    }

    /// From the eight 16-bit words of an IPv6 header, in memory order.
    #[inline(always)]
    pub const fn from_v6(words: [u16; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = words;
        Self {
            bytes: bytes_of([join([a, b, c, d]), join([e, f, g, h])]),
        }
    }

    /// The eight 16-bit words, in memory order.
    #[inline(always)]
    pub const fn v6(&self) -> [u16; 8] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = self.bytes;
        [
            u16::from_ne_bytes([a, b]),
            u16::from_ne_bytes([c, d]),
            u16::from_ne_bytes([e, f]),
            u16::from_ne_bytes([g, h]),
            u16::from_ne_bytes([i, j]),
            u16::from_ne_bytes([k, l]),
            u16::from_ne_bytes([m, n]),
            u16::from_ne_bytes([o, p]),
        ]
    }

    /// The last two 16-bit words, in memory order: the IPv4 address where it is one.
    #[inline(always)]
    pub const fn v4(&self) -> [u16; 2] {
        let [_, low] = self.words();
        if cfg!(target_endian = "little") {
            [(low >> 32) as u16, (low >> 48) as u16]
        } else {
            [(low >> 16) as u16, low as u16]
        }
    }

    /// An IPv4 address.
    #[inline(always)]
    pub const fn is_v4(&self) -> bool {
        let [high, low] = self.words();
        let prefix = if cfg!(target_endian = "little") {
            low & 0xffff_ffff
        } else {
            (low >> 32).swap_bytes() >> 32
        };
        high == 0 && prefix == 0xffff_0000
    }

    /// Multicast, broadcast to everybody, or none at all: nobody can be answered there.
    #[inline(always)]
    pub const fn is_group(&self) -> bool {
        let [high, low] = self.words();
        if self.is_v4() {
            // 0.0.0.0/8, and from 224.0.0.0 on.
            let first = self.v4()[0].to_ne_bytes()[0];
            return first == 0 || first >= 224;
        }
        high.to_ne_bytes()[0] == 0xff || high | low == 0
    }

    /// A copy by words: from one place in memory to another, LLVM would have `memmove` take its bytes.
    #[inline(always)]
    pub const fn copied(&self) -> Self {
        Self {
            bytes: bytes_of(self.words()),
        }
    }

    /// The two halves, in memory order.
    #[inline(always)]
    pub const fn words(&self) -> [u64; 2] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = self.bytes;
        [
            u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
            u64::from_ne_bytes([i, j, k, l, m, n, o, p]),
        ]
    }
}

/// Four words as they lie in memory, as one.
#[inline(always)]
const fn join([a, b, c, d]: [u16; 4]) -> u64 {
    let (a, b, c, d) = (a as u64, b as u64, c as u64, d as u64);
    if cfg!(target_endian = "little") {
        d << 48 | c << 32 | b << 16 | a
    } else {
        a << 48 | b << 32 | c << 16 | d
    }
}

/// By words. The derived comparison loads one 128-bit integer: that raises the alignment of
/// copies on the BPF stack to 16, which LLVM 22 cannot expand.
impl PartialEq for Addr {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        let ([a, b], [c, d]) = (self.words(), other.words());
        (a ^ c) | (b ^ d) == 0
    }
}

impl From<IpAddr> for Addr {
    fn from(ip: IpAddr) -> Self {
        let v6 = match ip {
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            IpAddr::V6(v6) => v6,
        };
        Self { bytes: v6.octets() }
    }
}

impl From<Ipv4Addr> for Addr {
    fn from(ip: Ipv4Addr) -> Self {
        IpAddr::V4(ip).into()
    }
}

impl From<Addr> for IpAddr {
    fn from(addr: Addr) -> Self {
        Ipv6Addr::from(addr.bytes).to_canonical()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_words_and_addresses_agree() {
        let ip = Ipv4Addr::new(10, 20, 30, 40);
        let words = [u16::from_ne_bytes([10, 20]), u16::from_ne_bytes([30, 40])];
        assert_eq!(Addr::from_v4(words), ip.into());
        assert_eq!(Addr::from(ip).v4(), words);
        assert_eq!(IpAddr::from(Addr::from_v4(words)), IpAddr::V4(ip));
        assert!(Addr::from(ip).is_v4());
    }

    #[test]
    fn ipv6_header_words_and_addresses_agree() {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 3, 4, 5, 0xff06);
        let addr = Addr::from(IpAddr::V6(ip));
        assert_eq!(addr.v6(), ip.segments().map(u16::to_be));
        assert_eq!(Addr::from_v6(addr.v6()), addr);
        assert!(!addr.is_v4() && !Addr::default().is_v4());
    }
}
