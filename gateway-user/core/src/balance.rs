//! Choosing among weighted things and among endpoints; randomness is an argument.

/// Items with shares in proportion to their weights. Weight 0 receives nothing.
#[derive(Debug)]
pub struct Weighted<T> {
    /// Each item with the sum of the weights up to and including its own.
    items: Box<[(u64, T)]>,
}

impl<T> Weighted<T> {
    pub fn new(items: impl IntoIterator<Item = (u32, T)>) -> Self {
        let mut sum = 0;
        let items = items.into_iter().filter(|(weight, _)| *weight > 0);
        let items = items.map(|(weight, item)| {
            sum += u64::from(weight);
            (sum, item)
        });
        let items = items.collect();
        Self { items }
    }

    /// `random` is uniform over all of u64. `None` if no item has a weight.
    pub fn pick(&self, random: u64) -> Option<&T> {
        let (total, _) = self.items.last()?;
        let ticket = scale(random, *total);
        let index = self.items.partition_point(|(upto, _)| *upto <= ticket);
        self.items.get(index).map(|(_, item)| item)
    }
}

/// The less loaded of two distinct items drawn at random ("power of two choices", Mitzenmacher
/// 2001): nearly as good as asking all, and no herd on the least loaded one. `random` is uniform
/// over all of u64; `None` only for no items.
pub fn least_loaded<T, L: PartialOrd>(
    items: &[T],
    random: u64,
    load: impl Fn(&T) -> L,
) -> Option<&T> {
    let count = items.len() as u64;
    if count < 2 {
        return items.first();
    }
    // Two draws from the halves of one number, each far wider than any number of endpoints.
    let first = scale(random << 32, count);
    let second = scale(random & (u64::from(u32::MAX) << 32), count - 1);
    let second = if second >= first { second + 1 } else { second };
    let (first, second) = (items.get(first as usize)?, items.get(second as usize)?);
    Some(if load(second) < load(first) {
        second
    } else {
        first
    })
}

/// Maps a number uniform over u64 to one uniform over `0..bound` (Lemire 2019, without the
/// rejection step, whose bias is below 2^-32 here).
pub(crate) fn scale(random: u64, bound: u64) -> u64 {
    ((u128::from(random) * u128::from(bound)) >> 64) as u64
}

/// A part of all requests: `numerator` of `denominator`, which is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub numerator: u32,
    pub denominator: u32,
}

impl Share {
    pub const ALL: Self = Self {
        numerator: 1,
        denominator: 1,
    };

    /// Whether a request belongs to it; `random` is uniform over all of u64.
    pub fn takes(self, random: u64) -> bool {
        scale(random, u64::from(self.denominator)) < u64::from(self.numerator)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): fast, seeded, not for secrets.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Uniform over all of u64.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_takes_so_many() {
        let mut rng = Rng::new(1);
        let mut taken = |numerator, denominator| {
            let share = Share {
                numerator,
                denominator,
            };
            let taken = (0..100_000).filter(|_| share.takes(rng.draw()));
            taken.count()
        };
        assert_eq!(taken(0, 7), 0);
        assert_eq!(taken(7, 7), 100_000);
        assert!((80..120).contains(&taken(1, 1_000)));
        assert!(Share::ALL.takes(u64::MAX));
    }

    #[test]
    fn shares_are_in_proportion_to_weights() {
        let weighted = Weighted::new([(80, "v1"), (0, "off"), (20, "v2")]);
        let mut rng = Rng::new(1);
        let (mut v1, mut v2) = (0, 0);
        for _ in 0..100_000 {
            match weighted.pick(rng.draw()) {
                Some(&"v1") => v1 += 1,
                Some(&"v2") => v2 += 1,
                other => panic!("picked {other:?}"),
            }
        }
        assert!((79_000..81_000).contains(&v1), "{v1}");
        assert_eq!(v1 + v2, 100_000);
    }

    #[test]
    fn the_ends_of_the_range_pick_the_ends_of_the_list() {
        let weighted = Weighted::new([(1, 'a'), (u32::MAX, 'b'), (1, 'c')]);
        assert_eq!(weighted.pick(0), Some(&'a'));
        assert_eq!(weighted.pick(u64::MAX), Some(&'c'));
    }

    #[test]
    fn nothing_to_pick_from() {
        assert_eq!(Weighted::<u8>::new([]).pick(7), None);
        assert_eq!(Weighted::new([(0, 'a'), (0, 'b')]).pick(7), None);
        assert_eq!(least_loaded(&[] as &[u8], 7, |_| 0), None);
    }

    #[test]
    fn two_different_endpoints_are_compared() {
        let mut rng = Rng::new(2);
        for _ in 0..1_000 {
            let picked = least_loaded(&['a', 'b'], rng.draw(), |c| u8::from(*c == 'a'));
            assert_eq!(
                picked,
                Some(&'b'),
                "the loaded one was never compared with the other"
            );
        }
    }

    #[test]
    fn equal_loads_spread_evenly() {
        let items = [0_usize, 1, 2, 3, 4];
        let mut seen = [0_u32; 5];
        let mut rng = Rng::new(3);
        for _ in 0..50_000 {
            if let Some(picked) = least_loaded(&items, rng.draw(), |_| 0) {
                seen[*picked] += 1;
            }
        }
        assert!(seen.iter().all(|n| (9_400..10_600).contains(n)), "{seen:?}");
    }
}
