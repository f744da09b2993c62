//! When a burst of events is over. Pure: time is an argument.

use std::time::{Duration, Instant};

/// A burst of events that has not been answered yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Burst {
    /// Times of the first and the last event.
    span: Option<(Instant, Instant)>,
}

impl Burst {
    pub fn add(&mut self, now: Instant) {
        let first = self.span.map_or(now, |(first, _)| first);
        self.span = Some((first, now));
    }

    /// When to answer, unless another event comes first: `quiet` after the last event, but at
    /// most `longest` after the first. `None` where nothing happened.
    pub fn due(&self, quiet: Duration, longest: Duration) -> Option<Instant> {
        let (first, last) = self.span?;
        Some((first + longest).min(last + quiet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_ends_with_quiet_or_after_the_longest_wait() {
        let (quiet, longest) = (Duration::from_millis(5), Duration::from_millis(50));
        let (start, mut burst) = (Instant::now(), Burst::default());
        assert_eq!(burst.due(quiet, longest), None);
        burst.add(start);
        assert_eq!(burst.due(quiet, longest), Some(start + quiet));
        burst.add(start + quiet / 2);
        assert_eq!(burst.due(quiet, longest), Some(start + quiet / 2 + quiet));
        burst.add(start + longest - quiet / 2);
        assert_eq!(burst.due(quiet, longest), Some(start + longest));
    }
}
