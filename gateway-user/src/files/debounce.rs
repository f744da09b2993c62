//! When a burst of file events is over. Pure: time is an argument.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::debounce;

/// Quiet time after the last event of a burst.
const QUIET: Duration = Duration::from_millis(4);
/// Longest wait after the first event, also for a writer that keeps a file open.
const LONGEST: Duration = Duration::from_millis(60);

/// What an event says about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// Written to, and perhaps not for the last time.
    Writing,
    /// Closed by its writer, renamed, removed, or otherwise complete.
    Done,
}

/// A burst of events that has not been answered with a scan yet.
///
/// A writer first truncates a file and then fills it: a file that is being written is waited for,
/// so that the moment in between is not taken for a configuration without objects.
#[derive(Debug, Default)]
pub(super) struct Burst {
    writing: BTreeSet<PathBuf>,
    events: debounce::Burst,
}

impl Burst {
    pub(super) fn add(&mut self, paths: Vec<PathBuf>, touch: Touch, now: Instant) {
        self.events.add(now);
        for path in paths {
            match touch {
                Touch::Writing => drop(self.writing.insert(path)),
                Touch::Done => drop(self.writing.remove(&path)),
            }
        }
    }

    /// When to scan, unless another event comes first; `None` where nothing happened.
    pub(super) fn due(&self) -> Option<Instant> {
        let quiet = if self.writing.is_empty() {
            QUIET
        } else {
            LONGEST
        };
        self.events.due(quiet, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_soon_after_the_last_event() {
        let (start, mut burst) = (Instant::now(), Burst::default());
        assert_eq!(burst.due(), None);
        burst.add(vec!["a".into()], Touch::Done, start);
        assert_eq!(burst.due(), Some(start + QUIET));
        burst.add(vec!["b".into()], Touch::Done, start + QUIET / 2);
        assert_eq!(burst.due(), Some(start + QUIET / 2 + QUIET));
    }

    #[test]
    fn waits_for_the_writer_to_close() {
        let (start, mut burst) = (Instant::now(), Burst::default());
        burst.add(vec!["a".into()], Touch::Writing, start);
        assert_eq!(burst.due(), Some(start + LONGEST));
        burst.add(vec!["a".into()], Touch::Done, start + QUIET);
        assert_eq!(burst.due(), Some(start + QUIET * 2));
    }

    #[test]
    fn endless_events_do_not_delay_for_ever() {
        let (start, mut burst) = (Instant::now(), Burst::default());
        for ms in 0..200 {
            burst.add(
                vec!["a".into()],
                Touch::Done,
                start + Duration::from_millis(ms),
            );
        }
        assert_eq!(burst.due(), Some(start + LONGEST));
    }
}
