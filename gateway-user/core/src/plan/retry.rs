//! Requests that are sent again where a backend fails them (`HTTPRouteRetry`, GEP-1731).

use std::time::Duration;

use crate::balance::scale;

/// Pauses double with each attempt, this often.
const DOUBLED: u32 = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Status codes that count as failures; connections that fail always do.
    pub codes: Vec<u16>,
    /// How often a request is sent again.
    pub attempts: u32,
    /// Least pause before the first of these.
    pub backoff: Duration,
}

impl Retry {
    /// Whether an answer with this status code is a failure.
    pub fn wants(&self, status: u16) -> bool {
        self.codes.contains(&status)
    }

    /// The pause before an attempt, after `earlier` others: never below `backoff`, up to twelve
    /// times as long, and different for each request, so that failures of many do not come back
    /// as one wave. `random` is uniform over all of u64.
    pub fn pause(&self, earlier: u32, random: u64) -> Duration {
        let pause = self.backoff.saturating_mul(1 << earlier.min(DOUBLED));
        let half = u64::try_from(pause.as_nanos() / 2).unwrap_or(u64::MAX);
        pause.saturating_add(Duration::from_nanos(scale(random, half)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_never_too_short() {
        let retry = Retry {
            codes: vec![500],
            attempts: 9,
            backoff: Duration::from_millis(100),
        };
        for (earlier, shortest) in [(0, 100), (1, 200), (2, 400), (3, 800), (4, 800), (99, 800)] {
            let millis = |random| retry.pause(earlier, random).as_millis();
            assert_eq!(millis(0), shortest);
            assert_eq!(millis(u64::MAX / 2), shortest + shortest / 4 - 1);
            assert_eq!(millis(u64::MAX), shortest + shortest / 2 - 1);
        }
        assert!(retry.wants(500) && !retry.wants(501));
    }

    #[test]
    fn no_pause_is_too_long_to_be_told() {
        let retry = Retry {
            codes: Vec::new(),
            attempts: 1,
            backoff: Duration::MAX,
        };
        assert_eq!(retry.pause(9, 7), Duration::MAX);
    }
}
