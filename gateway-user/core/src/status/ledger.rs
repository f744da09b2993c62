//! Which status may be written when, and which objects were ours until now.
//!
//! Pure: `now` is the time since any fixed moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{Live, LiveStatuses, Statuses, Write};
use crate::{
    api::Kind,
    name::ObjectName,
    pace::{Attempt, Pace, Written},
};

type Key = (Kind, ObjectName);

/// The writes of statuses that are under way, and what became of earlier ones.
#[derive(Debug, Default)]
pub struct Ledger {
    pace: Pace<Key>,
    /// Objects that a write under way takes back what we said about, by uid.
    withdrawn: BTreeMap<Key, String>,
    /// Gateways of ours and their ListenerSets by uid, as they were last.
    served: BTreeMap<String, Arc<Live>>,
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
        self.pace.retain(|key| live.contains_key(key));
    }

    /// Whether the write may be made now; if so, it is under way from now on.
    pub fn begin(&mut self, write: &Write, now: Duration) -> bool {
        let attempt = Attempt {
            base: &write.resource_version,
            content: &write.status,
        };
        let begun = self.pace.begin(&write.key(), attempt, now);
        if begun && write.withdrawal {
            self.withdrawn.insert(write.key(), write.uid.clone());
        }
        begun
    }

    /// Notes how a write that was begun ended.
    pub fn end(&mut self, key: &Key, written: &Written, now: Duration) {
        if let Some(uid) = self.withdrawn.remove(key)
            && *written != Written::Failed
        {
            self.served.remove(&uid);
        }
        self.pace.end(key, written, now);
    }

    /// When something that was not allowed becomes so by the passing of time alone.
    pub fn next(&self, now: Duration) -> Option<Duration> {
        self.pace.next(now)
    }
}

#[cfg(test)]
mod tests;
