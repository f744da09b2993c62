//! When to write which object: never twice at once, and never before the last write was seen.
//!
//! Pure: `now` is the time since any fixed moment.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value as Json;

/// How long a write may take to come back through the watch.
pub(crate) const ECHO: Duration = Duration::from_secs(10);
/// Between two writes to one object, so that a burst of changes is written as few.
pub(crate) const PAUSE: Duration = Duration::from_millis(250);
/// Before the first try after a failure; doubled with each one, up to the limit.
pub(crate) const RETRY: Duration = Duration::from_millis(500);
const LONGEST_RETRY: Duration = Duration::from_secs(15);

/// The writes that are under way, and what became of earlier ones. `K` names an object.
#[derive(Debug)]
pub struct Pace<K> {
    entries: BTreeMap<K, Entry>,
}

/// How a write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The object has that resource version now.
    Done(String),
    /// The object has changed or gone meanwhile: the watch will tell.
    Outdated,
    /// For any other reason; to be tried again.
    Failed,
}

/// What a write is made of.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Resource version that it is made from; empty where there is no object yet.
    pub base: &'a str,
    pub content: &'a Json,
}

/// The last write to an object.
#[derive(Debug)]
struct Entry {
    base: String,
    /// Failures in a row before it.
    failures: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    UnderWay {
        content: Json,
    },
    /// Waits until the watch shows a version other than the base, or `until`.
    Unseen {
        until: Duration,
        pause: Duration,
    },
    /// The API server took it, and nothing changed: it does not know the field, or somebody there
    /// sets it otherwise.
    NoEffect {
        content: Json,
    },
    Failed {
        retry: Duration,
    },
}

impl<K: Clone + Ord> Pace<K> {
    /// Whether the write may be made now; if so, it is under way from now on.
    pub fn begin(&mut self, key: &K, attempt: Attempt<'_>, now: Duration) -> bool {
        if !self.allows(key, attempt, now) {
            return false;
        }
        let failures = self.entries.get(key).map_or(0, |old| old.failures);
        let entry = Entry {
            base: attempt.base.to_owned(),
            failures,
            state: State::UnderWay {
                content: attempt.content.clone(),
            },
        };
        self.entries.insert(key.clone(), entry);
        true
    }

    /// Whether [`Pace::begin`] would let it begin.
    pub fn allows(&self, key: &K, attempt: Attempt<'_>, now: Duration) -> bool {
        let old = self.entries.get(key);
        old.is_none_or(|old| old.allows(attempt, now))
    }

    pub fn is_under_way(&self, key: &K) -> bool {
        let entry = self.entries.get(key);
        entry.is_some_and(Entry::is_under_way)
    }

    /// Notes how a write that was begun ended.
    pub fn end(&mut self, key: &K, written: &Written, now: Duration) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let State::UnderWay { content } = &mut entry.state else {
            return;
        };
        let unseen = |pause| State::Unseen {
            until: now + ECHO,
            pause,
        };
        entry.state = match written {
            Written::Done(version) if *version == entry.base => State::NoEffect {
                content: content.take(),
            },
            Written::Done(_) => unseen(now + PAUSE),
            Written::Outdated => unseen(now),
            Written::Failed => State::Failed {
                retry: now + retry(entry.failures),
            },
        };
        entry.failures = match written {
            Written::Failed => entry.failures.saturating_add(1),
            _ => 0,
        };
    }

    /// Notes that an object is as wanted: what was written to it has been seen.
    pub fn seen(&mut self, as_wanted: impl Fn(&K) -> bool) {
        for (key, entry) in &mut self.entries {
            if let State::Unseen { until, pause } = &mut entry.state
                && as_wanted(key)
            {
                *until = *pause;
            }
        }
    }

    /// Forgets the objects that are not to be kept, unless a write is under way.
    pub fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.entries
            .retain(|key, entry| entry.is_under_way() || keep(key));
    }

    /// When something that was not allowed becomes so by the passing of time alone.
    pub fn next(&self, now: Duration) -> Option<Duration> {
        let times = self.entries.values().flat_map(|entry| match &entry.state {
            State::Unseen { until, pause } => [Some(*pause), Some(*until)],
            State::Failed { retry } => [Some(*retry), None],
            State::UnderWay { .. } | State::NoEffect { .. } => [None, None],
        });
        times.flatten().filter(|time| *time > now).min()
    }
}

impl<K> Default for Pace<K> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
        }
    }
}

impl Entry {
    fn allows(&self, attempt: Attempt<'_>, now: Duration) -> bool {
        let seen = self.base != attempt.base;
        match &self.state {
            State::UnderWay { .. } => false,
            State::Unseen { until, pause } => now >= if seen { *pause } else { *until },
            State::NoEffect { content } => seen || content != attempt.content,
            State::Failed { retry } => now >= *retry,
        }
    }

    fn is_under_way(&self) -> bool {
        matches!(self.state, State::UnderWay { .. })
    }
}

fn retry(failures: u32) -> Duration {
    LONGEST_RETRY.min(RETRY.saturating_mul(2u32.saturating_pow(failures)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An object that is made, found, and deleted by somebody: nothing distinguishes the two
    /// writes that make it.
    #[test]
    fn what_was_seen_may_be_made_anew_after_the_pause() {
        let mut pace = Pace::default();
        let content = json!({"a": 1});
        let create = Attempt {
            base: "",
            content: &content,
        };
        let at = Duration::from_millis;
        assert!(pace.begin(&"web", create, at(0)));
        pace.end(&"web", &Written::Done("7".into()), at(0));
        assert!(!pace.allows(&"web", create, PAUSE), "not seen yet");
        pace.seen(|key| *key == "web");
        assert!(!pace.allows(&"web", create, PAUSE - at(1)));
        assert!(pace.begin(&"web", create, PAUSE));
        pace.retain(|_| false);
        assert!(pace.is_under_way(&"web"));
    }
}
