//! A rule of a route with its backends joined to their endpoints.

use std::{net::SocketAddr, sync::Arc};

use crate::{
    balance::Weighted,
    endpoints::Endpoints,
    name::ObjectName,
    plan::{
        BackendId, BackendProtocol, HttpFilter, HttpRoute, HttpRule, RouteKind, Target, Timeouts,
    },
};

#[derive(Debug)]
pub struct Rule {
    pub kind: RouteKind,
    pub route: ObjectName,
    pub name: Option<Arc<str>>,
    pub filters: Box<[HttpFilter]>,
    pub timeouts: Timeouts,
    backends: Weighted<Backend>,
}

/// A backendRef. `target` is `None` where the reference is invalid.
#[derive(Debug)]
pub struct Backend {
    pub target: Option<Ready>,
    pub protocol: BackendProtocol,
    pub filters: Box<[HttpFilter]>,
}

/// A backend's addresses that new requests may go to.
#[derive(Debug)]
pub struct Ready {
    pub id: BackendId,
    pub endpoints: Arc<[SocketAddr]>,
}

/// Where one request of a rule goes.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'r> {
    /// To one of the addresses, of which there is at least one.
    Backend(&'r Backend, &'r [SocketAddr]),
    /// No backendRef, all weights zero, or an invalid reference: 500.
    Invalid,
    /// The chosen backend has no ready endpoint: 503.
    NoEndpoint(&'r BackendId),
}

impl Rule {
    pub(super) fn new(route: &HttpRoute, rule: &HttpRule, endpoints: &Endpoints) -> Self {
        let backends = rule.backends.iter().map(|backend| {
            let target = match &backend.target {
                Target::Invalid => None,
                Target::Backend(id) => Some(Ready {
                    id: id.clone(),
                    endpoints: endpoints.ready(id).collect(),
                }),
            };
            let filters = backend.filters.clone().into();
            let protocol = backend.protocol;
            let compiled = Backend {
                target,
                protocol,
                filters,
            };
            (backend.weight, compiled)
        });
        Self {
            kind: route.kind,
            route: route.name.clone(),
            name: rule.name.clone(),
            filters: rule.filters.clone().into(),
            timeouts: rule.timeouts,
            backends: Weighted::new(backends),
        }
    }

    /// Chooses a backendRef in proportion to the weights; `random` is uniform over all of u64.
    pub fn choose(&self, random: u64) -> Choice<'_> {
        let Some(backend) = self.backends.pick(random) else {
            return Choice::Invalid;
        };
        match &backend.target {
            None => Choice::Invalid,
            Some(ready) if ready.endpoints.is_empty() => Choice::NoEndpoint(&ready.id),
            Some(ready) => Choice::Backend(backend, &ready.endpoints),
        }
    }
}

#[cfg(test)]
mod tests;
