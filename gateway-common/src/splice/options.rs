//! TCP options (RFC 9293, 3.2; RFC 7323; RFC 2018), read and changed in a copy of 64 bytes.
//!
//! Indices are cut to the size of the copy, and the walk starts each step from a place that the
//! kernel's verifier knows nothing of: so it follows one step instead of all.

use crate::{
    checksum,
    packet::{Bytes, Packet},
    splice::{
        offer::{Offer, SACK, STAMPS},
        segment::Segment,
    },
};

const END: u8 = 0;
const NOP: u8 = 1;
const MSS: u8 = 2;
const SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACKS: u8 = 5;
const STAMP: u8 = 8;

const ROOM: usize = 64;
/// Most bytes of options.
const MOST: u32 = 40;
/// The usual options of a segment: nothing but time stamps.
const USUAL: u32 = u32::from_be_bytes([NOP, NOP, STAMP, 10]);

#[derive(Clone, Debug)]
pub(super) struct Options {
    bytes: [u8; ROOM],
    length: u32,
}

/// What a walk has found. Places are 0 where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    pub(super) offer: Offer,
    /// Where the two time stamps are, and what they say.
    pub(super) stamps: u32,
    pub(super) value: u32,
    pub(super) echo: u32,
    /// Where the edges of selective acknowledgments are, and how many.
    pub(super) edges: u32,
    pub(super) count: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bytes: [0; ROOM],
            length: 0,
        }
    }
}

impl Options {
    /// Takes a copy of a segment's options.
    #[inline(always)]
    pub(super) fn load<P: Bytes + ?Sized>(&mut self, packet: &mut P, segment: &Segment) {
        self.length = 0;
        let (length, from) = (segment.options, segment.data - segment.options);
        if length > 0 && length <= MOST && packet.load(from, &mut self.bytes, 0, length) {
            self.length = length;
        }
    }

    /// Puts the copy back.
    #[inline(always)]
    pub(super) fn store<P: Bytes + ?Sized>(&self, packet: &mut P, segment: &Segment) -> bool {
        let from = segment.data - segment.options;
        self.length == 0 || packet.store(from, &self.bytes, 0, self.length)
    }

    #[inline(always)]
    fn byte(&self, at: u32) -> u8 {
        self.bytes[at as usize & (ROOM - 1)]
    }

    #[inline(always)]
    fn number(&self, at: u32) -> u32 {
        u32::from_be_bytes([0, 1, 2, 3].map(|each| self.byte(at + each)))
    }

    /// Replaces a number; what that adds to a checksum.
    #[inline(always)]
    pub(super) fn replace(&mut self, at: u32, new: u32) -> u32 {
        let delta = checksum::number_delta(self.number(at), new);
        let bytes = new.to_be_bytes();
        self.bytes[at as usize & (ROOM - 1)] = bytes[0];
        self.bytes[(at + 1) as usize & (ROOM - 1)] = bytes[1];
        self.bytes[(at + 2) as usize & (ROOM - 1)] = bytes[2];
        self.bytes[(at + 3) as usize & (ROOM - 1)] = bytes[3];
        match at & 1 {
            0 => delta,
            _ => checksum::swapped(delta),
        }
    }

    /// Moves the edges of selective acknowledgments; what that adds to a checksum.
    #[inline(always)]
    pub(super) fn move_edges(&mut self, walk: &Walk, by: u32) -> u32 {
        let mut delta = 0;
        for each in 0..8 {
            if each >= walk.count {
                break;
            }
            let at = walk.edges + 4 * each;
            let moved = self.number(at).wrapping_add(by);
            delta = checksum::both(delta, self.replace(at, moved));
        }
        delta
    }

    /// `walk` is what it finds; `mss` the segment size of who says none.
    #[inline(always)]
    pub(super) fn walk<P: Packet + ?Sized>(&self, packet: &mut P, mss: u16, walk: &mut Walk) {
        // As in `Splice::filled`.
        let none = packet.veiled_zero() as u32;
        *walk = Walk {
            offer: Offer::plain(mss),
            stamps: none,
            value: none,
            echo: none,
            edges: none,
            count: none,
        };
        if self.length == 12 && self.number(0) == USUAL {
            return self.note(STAMP, 10, 2, walk);
        }
        let mut at = 0;
        for _ in 0..MOST {
            at = (at + packet.veiled_zero() as u32) & (ROOM as u32 - 1);
            if at >= self.length {
                break;
            }
            match self.byte(at) {
                END => break,
                NOP => at += 1,
                kind => {
                    let size = u32::from(self.byte(at + 1));
                    if size < 2 || at + size > self.length {
                        break;
                    }
                    self.note(kind, size, at, walk);
                    at += size;
                }
            }
        }
    }

    /// Apart, so that what is found goes to memory: the verifier follows what it finds in registers
    /// through the whole walk.
    #[inline(never)]
    fn note(&self, kind: u8, size: u32, at: u32, walk: &mut Walk) {
        match (kind, size) {
            (MSS, 4) => {
                walk.offer.mss = u16::from(self.byte(at + 2)) << 8 | u16::from(self.byte(at + 3));
            }
            (SCALE, 3) => walk.offer.set_scale(self.byte(at + 2)),
            (SACK_PERMITTED, 2) => walk.offer.flags |= SACK,
            (STAMP, 10) => {
                walk.offer.flags |= STAMPS;
                walk.stamps = at + 2;
                walk.value = self.number(at + 2);
                walk.echo = self.number(at + 6);
            }
            (SACKS, 10 | 18 | 26 | 34) => {
                walk.edges = at + 2;
                walk.count = (size - 2) / 4;
            }
            _ => {}
        }
    }
}

/// Options of a segment that is made here, each at a fixed place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Laid {
    pub(super) bytes: [u8; 20],
    pub(super) length: u32,
}

impl Laid {
    #[inline(always)]
    pub(super) const fn clear(&mut self) {
        self.length = 0;
    }

    /// Of a SYN or its answer; `stamps`: own and echoed.
    #[inline(always)]
    pub(super) const fn opening(&mut self, offer: &Offer, stamps: (u32, u32)) {
        let sack = match offer.has_sack() {
            true => u16::from_be_bytes([SACK_PERMITTED, 2]),
            false => u16::from_be_bytes([NOP; 2]),
        };
        let scale = match offer.has_scale() {
            true => u32::from_be_bytes([NOP, SCALE, 3, offer.scale]),
            false => u32::from_be_bytes([NOP; 4]),
        };
        self.put(0, (MSS as u32) << 24 | 4 << 16 | offer.mss as u32);
        if offer.has_stamps() {
            let kind = u16::from_be_bytes([STAMP, 10]);
            self.put(1, (sack as u32) << 16 | kind as u32);
            self.put(2, stamps.0);
            self.put(3, stamps.1);
            self.put(4, scale);
            self.length = 20;
        } else {
            let pad = u16::from_be_bytes([NOP; 2]);
            self.put(1, (pad as u32) << 16 | sack as u32);
            self.put(2, scale);
            self.length = 12;
        }
    }

    /// Of any other segment.
    #[inline(always)]
    pub(super) const fn stamps(&mut self, has: bool, (value, echo): (u32, u32)) {
        self.length = 0;
        if has {
            self.put(0, USUAL);
            self.put(1, value);
            self.put(2, echo);
            self.length = 12;
        }
    }

    #[inline(always)]
    const fn put(&mut self, word: usize, value: u32) {
        let [a, b, c, d] = value.to_be_bytes();
        self.bytes[4 * word] = a;
        self.bytes[4 * word + 1] = b;
        self.bytes[4 * word + 2] = c;
        self.bytes[4 * word + 3] = d;
    }
}
