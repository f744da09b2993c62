//! A rule of a route with its backends joined to their endpoints.

use std::{net::SocketAddr, sync::Arc};

use super::{auth::Auth, session::Session};
use crate::{
    balance::{Share, Weighted},
    endpoints::Endpoints,
    name::ObjectName,
    plan::{
        BackendId, BackendProtocol, BackendTls, HttpBackend, HttpFilter, HttpRoute, HttpRule,
        Retry, RouteKind, Timeouts,
    },
};

#[derive(Debug)]
pub struct Rule {
    pub kind: RouteKind,
    pub route: ObjectName,
    pub name: Option<Arc<str>>,
    pub filters: Box<[HttpFilter]>,
    pub timeouts: Timeouts,
    pub retry: Option<Retry>,
    pub mirrors: Box<[Arc<Mirror>]>,
    /// One for each ExternalAuth among the filters, in their order.
    pub auths: Box<[Auth]>,
    pub session: Option<Session>,
    backends: Weighted<Backend>,
}

/// A backendRef. `target` is `None` where the reference is invalid.
#[derive(Debug)]
pub struct Backend {
    pub target: Option<Ready>,
    pub protocol: BackendProtocol,
    pub tls: Option<Arc<BackendTls>>,
    pub filters: Box<[HttpFilter]>,
    pub mirrors: Box<[Arc<Mirror>]>,
    /// As [`Rule::auths`].
    pub auths: Box<[Auth]>,
}

/// Who gets copies of requests.
#[derive(Debug)]
pub struct Mirror {
    pub backend: Backend,
    share: Share,
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
        let compiled = |b: &HttpBackend| (b.weight, Backend::new(b, endpoints));
        let session = |session| {
            let backends = rule.backends.iter();
            Session::new(
                session,
                backends.map(|b| Backend::new(b, endpoints)).collect(),
            )
        };
        Self {
            kind: route.kind,
            route: route.name.clone(),
            name: rule.name.clone(),
            filters: rule.filters.clone().into(),
            timeouts: rule.timeouts,
            retry: rule.retry.clone(),
            mirrors: mirrors(&rule.filters, endpoints),
            auths: Auth::all(&rule.filters, endpoints),
            session: rule.session.as_ref().and_then(session),
            backends: Weighted::new(rule.backends.iter().map(compiled)),
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

impl Backend {
    pub(super) fn new(planned: &HttpBackend, endpoints: &Endpoints) -> Self {
        let target = planned.target.id().map(|id| Ready {
            id: id.clone(),
            endpoints: endpoints.ready(id).collect(),
        });
        Self {
            target,
            protocol: planned.protocol,
            tls: planned.tls.clone(),
            filters: planned.filters.clone().into(),
            mirrors: mirrors(&planned.filters, endpoints),
            auths: Auth::all(&planned.filters, endpoints),
        }
    }
}

/// Those that have an endpoint.
fn mirrors(filters: &[HttpFilter], endpoints: &Endpoints) -> Box<[Arc<Mirror>]> {
    let all = filters.iter().filter_map(|filter| match filter {
        HttpFilter::Mirror(mirror) => Some(mirror),
        _ => None,
    });
    let compiled = all.filter_map(|mirror| {
        let backend = Backend::new(&mirror.backend, endpoints);
        backend.target.as_ref()?.endpoints.first()?;
        Some(Arc::new(Mirror {
            backend,
            share: mirror.share,
        }))
    });
    compiled.collect()
}

impl Mirror {
    /// Whether a request is copied; `random` is uniform over all of u64.
    pub fn takes(&self, random: u64) -> bool {
        self.share.takes(random)
    }
}

#[cfg(test)]
mod tests;
