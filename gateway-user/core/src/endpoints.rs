//! Where backends are right now; joined with a [`crate::plan::Plan`] after translation, so that
//! a rollout of pods never re-translates routes.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use serde::Serialize;

use crate::plan::BackendId;

/// One address of a backend (EndpointSlice `endpoints[].addresses[]` with a port).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Endpoint {
    pub address: SocketAddr,
    pub conditions: Conditions,
    /// On another node, so that its replies do not pass this one.
    pub far: bool,
}

/// Nodes of the addresses that EndpointSlices list (`endpoints[].nodeName`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes(pub BTreeMap<IpAddr, Arc<str>>);

/// EndpointSlice conditions, defaults applied (`ready` and `serving` true, `terminating` false).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Conditions {
    pub ready: bool,
    pub serving: bool,
    pub terminating: bool,
}

/// Endpoints of every backend that the plan names. A backend without an entry has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints(pub BTreeMap<BackendId, Vec<Endpoint>>);

impl Endpoints {
    /// Addresses that new traffic may go to: the ready ones, in a stable order.
    pub fn ready<'a>(&'a self, id: &BackendId) -> impl Iterator<Item = SocketAddr> + 'a {
        let all = self.0.get(id).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|e| e.conditions.ready).map(|e| e.address)
    }

    /// Of these, the ones on other nodes.
    pub fn far<'a>(&'a self, id: &BackendId) -> impl Iterator<Item = SocketAddr> + 'a {
        let all = self.0.get(id).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|e| e.far).map(|e| e.address)
    }

    /// Which of them are on another node than `me`; those of unknown nodes are not.
    pub fn seen_from(&mut self, me: &str, nodes: &Nodes) {
        let all = self.0.values_mut().flatten();
        for endpoint in all {
            let node = nodes.0.get(&endpoint.address.ip());
            endpoint.far = !me.is_empty() && node.is_some_and(|node| &**node != me);
        }
    }
}
