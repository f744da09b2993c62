//! What a client under load has done: how long each took, what failed, the first errors.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::error::Elapsed;

/// Errors that are told; the others are alike.
pub(super) const ERRORS: usize = 5;

#[derive(Default)]
pub(super) struct Tally {
    /// Microseconds of each that was served.
    times: Vec<u64>,
    pub(super) failed: u64,
    pub(super) errors: Vec<String>,
}

impl Tally {
    /// `done` is how long it took, or why it failed.
    pub(super) fn note(&mut self, done: Result<Result<Duration>, Elapsed>) {
        match done.context("stuck").flatten() {
            Ok(took) => self.times.push(microseconds(took)),
            Err(error) => {
                self.failed += 1;
                self.tell(format!("{error:#}"));
            }
        }
    }

    fn tell(&mut self, error: String) {
        if self.errors.len() < ERRORS {
            self.errors.push(error);
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.failed += other.failed;
        other.errors.into_iter().for_each(|error| self.tell(error));
    }

    pub(super) fn served(&self) -> u64 {
        self.times.len() as u64
    }

    /// Microseconds that half of those that were served did not exceed, and 99 of a hundred.
    pub(super) fn median_and_p99(&mut self) -> (u64, u64) {
        self.times.sort_unstable();
        (percentile(&self.times, 50), percentile(&self.times, 99))
    }
}

/// The value that so many of a hundred do not exceed (nearest rank); 0 of none.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    rank.checked_sub(1).map_or(0, |at| sorted[at])
}

pub(super) fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&values, 50), 100);
        assert_eq!(percentile(&values, 99), 198);
        assert_eq!(percentile(&[7], 99), 7);
        assert_eq!(percentile(&[], 99), 0);
    }

    #[test]
    fn the_first_errors_are_told_and_all_are_counted() {
        let (mut all, mut other) = (Tally::default(), Tally::default());
        other.note(Ok(Ok(Duration::from_millis(3))));
        for number in 0..8 {
            other.note(Ok(Err(anyhow!("error {number}"))));
        }
        all.note(Ok(Ok(Duration::from_millis(1))));
        all.add(other);
        assert_eq!((all.served(), all.failed), (2, 8));
        assert_eq!(all.errors.len(), ERRORS);
        assert_eq!(all.median_and_p99(), (1_000, 3_000));
    }
}
