//! Bytes that differ at each position, so that a lost, doubled or swapped piece is seen.

use crate::report::Greeting;

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a, 64 bits (draft-eastlake-fnv).
#[derive(Clone, Copy)]
pub(super) struct Checksum(pub u64);

impl Checksum {
    pub(super) fn new() -> Self {
        Self(FNV_BASIS)
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        }
    }
}

impl Greeting {
    /// Whether the server read exactly this hello; none was sent where it is empty.
    pub(super) fn has_read(&self, hello: &[u8]) -> bool {
        let mut sum = Checksum::new();
        sum.add(hello);
        hello.is_empty() || self.hello == Some(sum.0)
    }
}

/// Fills `to` with the stream of `seed` from byte `at` on.
pub(super) fn fill(seed: u64, at: u64, to: &mut [u8]) {
    for (byte, position) in to.iter_mut().zip(at..) {
        let word = mix(seed ^ (position / 8));
        *byte = word.to_le_bytes()[usize::try_from(position % 8).unwrap_or(0)];
    }
}

/// The finaliser of splitmix64.
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_give_the_same_bytes_as_the_whole() {
        let mut whole = [0; 100];
        fill(7, 0, &mut whole);
        let mut pieces = [0; 100];
        let (head, tail) = pieces.split_at_mut(37);
        fill(7, 0, head);
        fill(7, 37, tail);
        assert_eq!(whole, pieces);
        let mut other = [0; 100];
        fill(8, 0, &mut other);
        assert_ne!(whole, other);
    }

    /// Test vector of the draft: "foobar".
    #[test]
    fn checksum_is_fnv_1a() {
        let mut sum = Checksum::new();
        sum.add(b"foobar");
        assert_eq!(sum.0, 0x8594_4171_f739_67e8);
    }
}
