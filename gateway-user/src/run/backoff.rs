//! When to try again after a failure. Pure: time is an argument.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// Waits that double with each failure in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    wait: Option<Duration>,
    due: Option<Instant>,
}

impl Backoff {
    pub(super) fn failed(&mut self, now: Instant) {
        let wait = self.wait.map_or(FIRST, |wait| LONGEST.min(wait * 2));
        self.wait = Some(wait);
        self.due = Some(now + wait);
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Waits for the time of the next try; for ever where none is needed.
    pub(super) async fn due(&self) {
        match self.due {
            Some(due) => tokio::time::sleep_until(due.into()).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_end_with_success() {
        let (now, mut backoff) = (Instant::now(), Backoff::default());
        let waits = std::iter::from_fn(|| {
            backoff.failed(now);
            backoff.due.map(|due| (due - now).as_millis())
        });
        let waits: Vec<_> = waits.take(9).collect();
        assert_eq!(
            waits,
            [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        );
        backoff.succeeded();
        assert_eq!(backoff.due, None);
        backoff.failed(now);
        assert_eq!(backoff.due, Some(now + FIRST));
    }
}
