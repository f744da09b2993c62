//! The object that a listener is written in.

use std::sync::Arc;

use crate::{
    api::{Gateway, Kind, Listener, ListenerSet, Meta},
    name::ObjectName,
};

/// A Gateway, or a ListenerSet that is attached to it.
///
/// Everything that is "the listener's own" follows from it: the namespace that routes and
/// certificates are seen from, the ReferenceGrants, the parent that routes name, the status.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    /// What serves the listener, with its addresses and parameters.
    pub gateway: &'a Gateway,
    /// `None`: the listener is the Gateway's.
    pub set: Option<&'a ListenerSet>,
}

impl<'a> Owner<'a> {
    pub(super) fn of(gateway: &'a Gateway) -> Self {
        Self { gateway, set: None }
    }

    pub(super) fn kind(self) -> Kind {
        self.set.map_or(Kind::Gateway, |_| Kind::ListenerSet)
    }

    pub(super) fn meta(self) -> &'a Meta {
        self.set.map_or(&self.gateway.meta, |set| &set.meta)
    }

    pub(super) fn namespace(self) -> &'a Arc<str> {
        &self.meta().namespace
    }

    pub(super) fn is(self, kind: Kind, name: &ObjectName) -> bool {
        let meta = self.meta();
        self.kind() == kind && meta.name == name.name && meta.namespace == name.namespace
    }

    pub(super) fn is_same(self, other: Owner) -> bool {
        std::ptr::eq(self.meta(), other.meta())
    }

    pub(super) fn listeners(self) -> &'a [Listener] {
        self.set
            .map_or(&self.gateway.spec.listeners, |set| &set.spec.listeners)
    }

    /// The listener's name among all that the Gateway serves.
    pub(super) fn label(self, listener: &Listener) -> Arc<str> {
        self.set.map_or_else(
            || listener.name.clone(),
            |set| set.label(&listener.name).into(),
        )
    }
}
