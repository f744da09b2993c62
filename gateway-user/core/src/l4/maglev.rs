//! Consistent selection of a backend: the lookup table of Maglev, with weights.
//!
//! Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016,
//! section 3.4: each backend walks its own permutation of the slots; they take turns, each
//! claiming its next free slot. With weights a backend sits out a share of the turns. The result
//! depends on the names alone, so all nodes agree and little moves when a backend comes or goes.

use crate::hash::stable;

/// Slots of a table with one backend alone: there is nothing to choose.
const ALONE: u32 = 1;
/// Other table sizes: primes, so that every stride visits all slots.
pub const SIZES: [u32; 3] = [2_039, 16_381, 65_521];
/// Slots for each backend on average, which keeps shares within a few percent (same section).
const SLOTS_PER_BACKEND: u64 = 100;
/// Slots that the backend with the least weight shall get at least.
const SLOTS_OF_LEAST: u64 = 10;

/// One candidate: a name that is the same on every node, and its share.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub name: &'a [u8],
    /// At least 1.
    pub weight: u32,
}

/// The smallest size that gives each backend enough slots; the largest there is where none does.
///
/// Where the size changes, all new flows are spread anew. It depends on nothing but the backends of
/// the moment, so that all nodes agree. One slot is for one backend alone, which has no flows to lose
/// to others: there may be many thousand such services.
pub fn size(weights: &[u32]) -> u32 {
    if weights.len() <= 1 {
        return ALONE;
    }
    let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
    let least = weights.iter().copied().min().unwrap_or(1).max(1);
    let wanted = (weights.len() as u64 * SLOTS_PER_BACKEND)
        .max(total.div_ceil(u64::from(least)) * SLOTS_OF_LEAST);
    let fits = SIZES.iter().find(|size| u64::from(**size) >= wanted);
    fits.or(SIZES.last()).copied().unwrap_or(ALONE)
}

/// The lookup table: for each of `size` slots (a prime, or 1 for one candidate) the index of a
/// candidate.
///
/// Give candidates in an order that is the same everywhere, sorted by name. Empty without any.
pub fn table(candidates: &[Candidate<'_>], size: u32) -> Vec<usize> {
    let Some(heaviest) = candidates.iter().map(|c| c.weight).max() else {
        return Vec::new();
    };
    if candidates.len() == 1 {
        return vec![0; size as usize];
    }
    let mut walks: Vec<Walk> = candidates.iter().map(|c| Walk::new(c.name, size)).collect();
    let mut slots = vec![usize::MAX; size as usize];
    let (mut free, mut turn) = (slots.len(), 0_u64);
    while free > 0 {
        turn += 1;
        for (index, candidate) in candidates.iter().enumerate() {
            let walk = &mut walks[index];
            // The heaviest claims a slot each turn, one of half its weight every other turn.
            if turn * u64::from(candidate.weight) < walk.next_claim {
                continue;
            }
            walk.next_claim += u64::from(heaviest);
            let slot = walk.find(|slot| slots[*slot] == usize::MAX);
            slots[slot] = index;
            free -= 1;
            if free == 0 {
                break;
            }
        }
    }
    slots
}

/// A backend's permutation of the slots: offset, offset + skip, offset + 2 skip ...
struct Walk {
    position: u64,
    skip: u64,
    size: u64,
    /// Turn times weight at which it claims again.
    next_claim: u64,
}

impl Walk {
    fn new(name: &[u8], size: u32) -> Self {
        let size = u64::from(size);
        Self {
            position: stable(name, 0x6f66_6673_6574) % size,
            skip: stable(name, 0x736b_6970) % (size - 1) + 1,
            size,
            next_claim: 0,
        }
    }

    /// Next slot of the permutation that is wanted. One exists: the caller counts free slots.
    fn find(&mut self, wanted: impl Fn(&usize) -> bool) -> usize {
        loop {
            let slot = self.position as usize;
            self.position = (self.position + self.skip) % self.size;
            if wanted(&slot) {
                return slot;
            }
        }
    }
}

#[cfg(test)]
mod tests;
