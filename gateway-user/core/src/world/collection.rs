//! Objects of one kind as a watch tells of them: lists, and changes in between.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::ObjectName;

/// Objects by name. A list that has begun takes nothing away before it is complete.
#[derive(Clone, Debug)]
pub(super) struct Collection<V> {
    objects: BTreeMap<ObjectName, V>,
    /// What a list in progress has named so far.
    listing: Option<BTreeSet<ObjectName>>,
}

impl<V> Collection<V> {
    pub(super) fn get(&self, name: &ObjectName) -> Option<&V> {
        self.objects.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ObjectName, &V)> {
        self.objects.iter()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.objects.values()
    }

    /// A new list begins; one that was in progress has been broken off.
    pub(super) fn begin(&mut self) {
        self.listing = Some(BTreeSet::new());
    }

    pub(super) fn put(&mut self, name: ObjectName, value: V) -> Option<V> {
        if let Some(listed) = &mut self.listing {
            listed.insert(name.clone());
        }
        self.objects.insert(name, value)
    }

    pub(super) fn remove(&mut self, name: &ObjectName) -> Option<(ObjectName, V)> {
        self.objects.remove_entry(name)
    }

    /// The list is complete; returns what is gone since the last one.
    pub(super) fn end(&mut self) -> Vec<(ObjectName, V)> {
        let Some(listed) = self.listing.take() else {
            return Vec::new();
        };
        let gone = self.objects.keys().filter(|name| !listed.contains(name));
        let gone: Vec<_> = gone.cloned().collect();
        let removed = gone
            .into_iter()
            .map(|name| self.objects.remove_entry(&name));
        removed.flatten().collect()
    }

    /// Takes everything out.
    pub(super) fn clear(&mut self) -> Vec<(ObjectName, V)> {
        self.begin();
        self.end()
    }
}

impl<V> Default for Collection<V> {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            listing: None,
        }
    }
}
