//! When to write which status: never twice at once, and never before the last write was seen.
//!
//! Pure: `now` is the time since any fixed moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::Value as Json;

use super::{Live, LiveStatuses, Statuses, Write};
use crate::{api::Kind, name::ObjectName};

/// How long a write may take to come back through the watch.
const ECHO: Duration = Duration::from_secs(10);
/// Between two writes to one object, so that a burst of changes is written as few.
const PAUSE: Duration = Duration::from_millis(250);
/// Before the first try after a failure; doubled with each one, up to the limit.
const RETRY: Duration = Duration::from_millis(500);
const LONGEST_RETRY: Duration = Duration::from_secs(15);

type Key = (Kind, ObjectName);

/// The writes that are under way, and what became of earlier ones.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: BTreeMap<Key, Entry>,
    /// Gateways of ours and their ListenerSets by uid, as they were last.
    served: BTreeMap<String, Arc<Live>>,
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

/// The last write to an object.
#[derive(Debug)]
struct Entry {
    /// Resource version that it was made from.
    base: String,
    /// Failures in a row before it.
    failures: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    UnderWay {
        status: Json,
        withdraws: Option<String>,
    },
    /// Waits until the watch shows a version other than the base, or `until`.
    Unseen {
        until: Duration,
        pause: Duration,
    },
    /// The API server took it, and nothing changed: the CRD does not know the field.
    NoEffect {
        status: Json,
    },
    Failed {
        retry: Duration,
    },
}

impl Ledger {
    /// Whether the object was ours when it was last noted and nobody has changed its status since.
    pub fn is_former(&self, live: &Live) -> bool {
        let last = self.served.get(&live.uid);
        last.is_some_and(|last| last.status == live.status)
    }

    /// Notes which objects are ours, after `writes` were made of the same arguments.
    pub fn note(&mut self, statuses: &Statuses, live: &LiveStatuses, writes: &[Write]) {
        let withdrawn: BTreeSet<&str> = writes
            .iter()
            .filter(|w| w.withdrawal)
            .map(|w| w.uid.as_str())
            .collect();
        self.served
            .retain(|uid, _| withdrawn.contains(uid.as_str()));
        let gateways = statuses.gateways.iter().filter(|gateway| gateway.ours);
        let gateways = gateways.map(|gateway| (Kind::Gateway, gateway.object_name()));
        let sets = statuses.listener_sets.iter().filter(|set| set.ours);
        let sets = sets.map(|set| (Kind::ListenerSet, set.object_name()));
        for live in gateways.chain(sets).filter_map(|key| live.get(&key)) {
            self.served.insert(live.uid.clone(), live.clone());
        }
        self.entries.retain(|key, entry| {
            matches!(entry.state, State::UnderWay { .. }) || live.contains_key(key)
        });
    }

    /// Whether the write may be made now; if so, it is under way from now on.
    pub fn begin(&mut self, write: &Write, now: Duration) -> bool {
        let old = self.entries.get(&write.key());
        if !old.is_none_or(|old| old.allows(write, now)) {
            return false;
        }
        let entry = Entry {
            base: write.resource_version.clone(),
            failures: old.map_or(0, |old| old.failures),
            state: State::UnderWay {
                status: write.status.clone(),
                withdraws: write.withdrawal.then(|| write.uid.clone()),
            },
        };
        self.entries.insert(write.key(), entry);
        true
    }

    /// Notes how a write that was begun ended.
    pub fn end(&mut self, key: &Key, written: &Written, now: Duration) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let State::UnderWay { status, withdraws } = &mut entry.state else {
            return;
        };
        if let Some(uid) = withdraws.as_ref().filter(|_| *written != Written::Failed) {
            self.served.remove(uid);
        }
        let unseen = |pause| State::Unseen {
            until: now + ECHO,
            pause,
        };
        entry.state = match written {
            Written::Done(version) if *version == entry.base => State::NoEffect {
                status: status.take(),
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

impl Entry {
    fn allows(&self, write: &Write, now: Duration) -> bool {
        let seen = self.base != write.resource_version;
        match &self.state {
            State::UnderWay { .. } => false,
            State::Unseen { until, pause } => now >= if seen { *pause } else { *until },
            State::NoEffect { status } => seen || *status != write.status,
            State::Failed { retry } => now >= *retry,
        }
    }
}

fn retry(failures: u32) -> Duration {
    LONGEST_RETRY.min(RETRY.saturating_mul(2u32.saturating_pow(failures)))
}

#[cfg(test)]
mod tests;
