//! Initial sequence numbers that prove themselves: whoever names one has got the SYN-ACK with it.
//!
//! From the highest bit on: 27 bits of a keyed hash, 3 of the client's segment size (a class of
//! [`Offer::class`]), 2 of the period. The hash is over both ends, the client's own initial number,
//! the class, and the whole number of the period, so that none of them can be another one.

use crate::{
    abi::{FlowKey, TlsSecret},
    splice::{Offer, Splices},
};

/// Seconds in which one period follows another.
const PERIOD: u32 = 64;
/// Periods for which a cookie is good, the one that it was made in being the first.
const PERIODS: u32 = 3;
/// Most seconds for which a cookie is good; the least are [`PERIOD`] less.
pub const COOKIE: u32 = PERIODS * PERIOD;

const PERIOD_MASK: u32 = 3;
const CLASS_SHIFT: u32 = 2;
const CLASS_MASK: u32 = 7;
const HASH_SHIFT: u32 = 5;

/// The number for a client's SYN; `None`: there is no secret.
#[inline(always)]
pub(super) fn make<T: Splices>(
    key: &FlowKey,
    initial: u32,
    offer: &Offer,
    tables: &T,
) -> Option<u32> {
    let secret = known(tables)?;
    let (class, period) = (offer.class(), tables.seconds() / PERIOD);
    Some(cookie(secret, key, initial, period, class))
}

/// The segment size that the client offered which was told this number; `None`: none was, or too long
/// ago.
#[inline(always)]
pub(super) fn check<T: Splices>(
    key: &FlowKey,
    initial: u32,
    number: u32,
    tables: &T,
) -> Option<u16> {
    let secret = known(tables)?;
    let present = tables.seconds() / PERIOD;
    let age = present.wrapping_sub(number) & PERIOD_MASK;
    if age >= PERIODS {
        return None;
    }
    let class = number >> CLASS_SHIFT & CLASS_MASK;
    let expected = cookie(secret, key, initial, present.wrapping_sub(age), class);
    (expected == number).then(|| Offer::size(class))
}

/// Whether SYNs can be answered.
#[inline(always)]
pub(super) fn known<T: Splices>(tables: &T) -> Option<&TlsSecret> {
    tables.secret().filter(|secret| secret.key != [0; 2])
}

#[inline(never)]
fn cookie(secret: &TlsSecret, key: &FlowKey, initial: u32, period: u32, class: u32) -> u32 {
    let ports = (key.source_port as u64) << 16 | key.destination_port as u64;
    let [a, b] = key.source.words();
    let [c, d] = key.destination.words();
    let e = ports << 32 | initial as u64;
    let f = (class as u64) << 32 | period as u64;
    let hash = hash(secret.key, [a, b, c, d, e], f) as u32;
    hash << HASH_SHIFT | class << CLASS_SHIFT | period & PERIOD_MASK
}

/// SipHash-2-4 (Aumasson, Bernstein: a fast short-input PRF, 2012) of 45 bytes: five words and the
/// low five bytes of `last`. Without a loop, for the kernel's verifier.
#[inline(always)]
const fn hash([low, high]: [u64; 2], [a, b, c, d, e]: [u64; 5], last: u64) -> u64 {
    const BYTES: u64 = 45;
    let mut state = State {
        a: low ^ 0x736f_6d65_7073_6575,
        b: high ^ 0x646f_7261_6e64_6f6d,
        c: low ^ 0x6c79_6765_6e65_7261,
        d: high ^ 0x7465_6462_7974_6573,
    };
    state.take(a);
    state.take(b);
    state.take(c);
    state.take(d);
    state.take(e);
    state.take(BYTES << 56 | last);
    state.c ^= 0xff;
    state.mix();
    state.mix();
    state.mix();
    state.mix();
    state.a ^ state.b ^ state.c ^ state.d
}

struct State {
    a: u64,
    b: u64,
    c: u64,
    d: u64,
}

impl State {
    #[inline(always)]
    const fn take(&mut self, word: u64) {
        self.d ^= word;
        self.mix();
        self.mix();
        self.a ^= word;
    }

    #[inline(always)]
    const fn mix(&mut self) {
        self.a = self.a.wrapping_add(self.b);
        self.b = self.b.rotate_left(13) ^ self.a;
        self.a = self.a.rotate_left(32);
        self.c = self.c.wrapping_add(self.d);
        self.d = self.d.rotate_left(16) ^ self.c;
        self.a = self.a.wrapping_add(self.d);
        self.d = self.d.rotate_left(21) ^ self.a;
        self.c = self.c.wrapping_add(self.b);
        self.b = self.b.rotate_left(17) ^ self.c;
        self.c = self.c.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_siphash_2_4() {
        use std::hash::Hasher as _;
        // Key and message of the published vectors: 0, 1, 2 and so on.
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let message: Vec<u8> = (0..45).collect();
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes[..8.min(45 - at)].copy_from_slice(&message[at..45.min(at + 8)]);
            u64::from_le_bytes(bytes)
        };
        let made = hash(key, [0, 8, 16, 24, 32].map(word), word(40));
        assert_eq!(made, 0xa953_8f04_1975_5787);
        #[expect(deprecated, reason = "it is SipHash-2-4 with a key")]
        let mut other = std::hash::SipHasher::new_with_keys(key[0], key[1]);
        other.write(&message);
        assert_eq!(made, other.finish());
    }
}
