//! Which object to write next, and whose status has to wait for that.
//!
//! Pure: `now` is the time since any fixed moment.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::{Infrastructure, Key, MadeObjects, Operation, operations};
use crate::{
    name::ObjectName,
    pace::{Pace, Written},
};

/// The writes that are needed, under way and made.
#[derive(Debug, Default)]
pub struct Schedule {
    pace: Pace<Key>,
    /// Needed at present, and not begun.
    needed: VecDeque<Operation>,
    /// By Gateway, the objects for it that are under way, or can be written now.
    waiting: BTreeMap<ObjectName, BTreeSet<Key>>,
}

impl Schedule {
    /// Finds out what is needed now.
    pub fn plan(&mut self, infrastructure: &Infrastructure, made: &MadeObjects, now: Duration) {
        self.clear();
        let operations = operations(infrastructure, made);
        let open: BTreeSet<Key> = operations.iter().map(Operation::key).collect();
        self.pace.seen(|key| !open.contains(key));
        let known = |key: &Key| made.contains_key(key) || infrastructure.objects.contains_key(key);
        self.pace.retain(known);
        for operation in &operations {
            let key = operation.key();
            let due =
                self.pace.is_under_way(&key) || self.pace.allows(&key, operation.attempt(), now);
            if let Some(gateway) = operation.gateway.clone().filter(|_| due) {
                self.waiting.entry(gateway).or_default().insert(key);
            }
        }
        self.needed = operations.into();
    }

    /// Nothing is needed: another node writes.
    pub fn clear(&mut self) {
        self.needed.clear();
        self.waiting.clear();
    }

    /// The next write to make now; it is under way from now on.
    pub fn begin(&mut self, now: Duration) -> Option<Operation> {
        let mut needed = std::iter::from_fn(|| self.needed.pop_front());
        needed.find(|next| self.pace.begin(&next.key(), next.attempt(), now))
    }

    /// Notes how a write ended.
    pub fn end(&mut self, operation: &Operation, written: &Written, now: Duration) {
        let key = operation.key();
        if let Some(gateway) = &operation.gateway
            && let Some(waiting) = self.waiting.get_mut(gateway)
        {
            waiting.remove(&key);
            if waiting.is_empty() {
                self.waiting.remove(gateway);
            }
        }
        self.pace.end(&key, written, now);
    }

    /// Whether something for this Gateway is yet to be tried. Before, its status would tell of a
    /// Gateway that others cannot find; what fails is not waited for.
    pub fn is_at(&self, gateway: &ObjectName) -> bool {
        self.waiting.contains_key(gateway)
    }

    /// When something that was not allowed becomes so by the passing of time alone.
    pub fn next(&self, now: Duration) -> Option<Duration> {
        self.pace.next(now)
    }
}
