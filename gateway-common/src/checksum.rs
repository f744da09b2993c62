//! The Internet checksum, changed by difference (RFC 1071, RFC 1624).
//!
//! Words are taken in memory order: the one's complement sum does not depend on the byte order.

use crate::addr::Addr;

/// What replacing `old` by `new` adds to the sum of a checksummed text.
#[inline(always)]
pub const fn address_delta(old: &Addr, new: &Addr) -> u32 {
    let ([a, b], [c, d]) = (old.words(), new.words());
    fold(halves(!a) + halves(!b) + halves(c) + halves(d))
}

/// The same for a port, given in host order.
#[inline(always)]
pub const fn port_delta(old: u16, new: u16) -> u32 {
    word_delta(old.to_be(), new.to_be())
}

/// The same for a word in memory order.
#[inline(always)]
pub const fn word_delta(old: u16, new: u16) -> u32 {
    fold(!old as u64 + new as u64)
}

/// The same for a number of 32 bits, given in host order.
#[inline(always)]
pub const fn number_delta(old: u32, new: u32) -> u32 {
    fold(!old.to_be() as u64 + new.to_be() as u64)
}

/// A change of what begins at an odd place of the text.
#[inline(always)]
pub const fn swapped(delta: u32) -> u32 {
    (delta as u16).swap_bytes() as u32
}

/// Two changes as one.
#[inline(always)]
pub const fn both(one: u32, other: u32) -> u32 {
    fold(one as u64 + other as u64)
}

/// Undoes what `delta` does.
#[inline(always)]
pub const fn reverse(delta: u32) -> u32 {
    !delta & 0xffff
}

/// The checksum field after its text has changed by `delta` (RFC 1624, equation 3).
#[inline(always)]
pub const fn apply(field: u16, delta: u32) -> u16 {
    !(fold(!field as u64 + delta as u64) as u16)
}

/// What an address adds to a sum.
#[inline(always)]
pub const fn address(of: &Addr) -> u64 {
    let [high, low] = of.words();
    halves(high) + halves(low)
}

/// What `length` bytes from `at` on add to a sum, as a text that begins there; what is beyond the end
/// counts as zeros.
pub fn bytes(of: &[u8], at: u32, length: u32) -> u64 {
    let text = of.get(at as usize..).unwrap_or_default();
    let pairs = text.get(..length as usize).unwrap_or(text).chunks(2);
    pairs
        .map(|pair| match *pair {
            [one, other] => u64::from(u16::from_ne_bytes([one, other])),
            [one] => u64::from(u16::from_ne_bytes([one, 0])),
            _ => 0,
        })
        .sum()
}

/// The checksum field of a text whose words sum up to `sum`.
#[inline(always)]
pub const fn text(sum: u64) -> u16 {
    !(fold(sum) as u16)
}

/// Adds carries back in; sums of up to eight 32-bit words.
#[inline(always)]
const fn fold(sum: u64) -> u32 {
    let once = (sum & 0xffff) + (sum >> 16);
    let twice = (once & 0xffff) + (once >> 16);
    ((twice & 0xffff) + (twice >> 16)) as u32
}

#[inline(always)]
const fn halves(word: u64) -> u64 {
    (word & 0xffff_ffff) + (word >> 32)
}

#[cfg(test)]
mod tests;
