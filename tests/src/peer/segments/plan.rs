//! In which pieces, and in which order, a client sends what it has to say first.

use std::ops::Range;

use crate::peer::pattern::fill;

/// Bytes before and behind a cut that overlapping segments share.
const SHARED: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Order {
    /// Two segments.
    Forward,
    /// The second before the first.
    Backward,
    /// Both, and both again.
    Twice,
    /// Each has some bytes of the other.
    Overlapping,
    /// Segments as long as the first would be, in any order.
    Shuffled,
}

impl Order {
    /// Parts of `total` bytes that are cut at `cut`.
    pub(super) fn pieces(self, cut: usize, total: usize) -> Vec<Range<usize>> {
        let (first, second) = (0..cut, cut..total);
        match self {
            Self::Forward => vec![first, second],
            Self::Backward => vec![second, first],
            Self::Twice => vec![first.clone(), second.clone(), first, second],
            Self::Overlapping => vec![
                0..(cut + SHARED).min(total),
                cut.saturating_sub(SHARED)..total,
            ],
            Self::Shuffled => shuffled(cut.max(1), total),
        }
    }
}

fn shuffled(size: usize, total: usize) -> Vec<Range<usize>> {
    let starts = (0..total).step_by(size);
    let mut keyed: Vec<_> = starts
        .map(|start| {
            let mut key = [0; 8];
            fill((total + size) as u64, 8 * start as u64, &mut key);
            (key, start)
        })
        .collect();
    keyed.sort_unstable();
    let sorted = keyed.into_iter().map(|(_, start)| start);
    sorted
        .map(|start| start..(start + size).min(total))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_has_every_byte() {
        for order in [
            Order::Forward,
            Order::Backward,
            Order::Twice,
            Order::Overlapping,
            Order::Shuffled,
        ] {
            for cut in 1..90 {
                let mut seen = [false; 90];
                for piece in order.pieces(cut, 90) {
                    seen[piece].fill(true);
                }
                assert!(seen.iter().all(|seen| *seen), "{order:?} {cut}");
            }
        }
    }

    #[test]
    fn orders_are_what_they_say() {
        assert_eq!(Order::Backward.pieces(3, 9), [3..9, 0..3]);
        assert_eq!(Order::Overlapping.pieces(30, 90), [0..50, 10..90]);
        let shuffled = Order::Shuffled.pieces(10, 90);
        assert_eq!(shuffled.len(), 9);
        assert!(!shuffled.is_sorted_by_key(|piece| piece.start));
    }
}
