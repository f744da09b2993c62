//! What is to be checked, by what the Gateways of a plan ask for.

use std::{collections::BTreeMap, sync::Arc};

use super::EndpointId;
use crate::{
    endpoints::Endpoints,
    plan::{
        BackendId, BackendProtocol, BackendTls, Frontend, FrontendId, HealthCheck, HttpBackend,
        HttpCheck, HttpFrontend, HttpRule, Pace, Plan, RouteKind, Target, Transport, UdpCheck,
    },
};

/// In how many ways each endpoint is checked: once in each, however many routes ask for it.
pub type Wanted = BTreeMap<EndpointId, Vec<(Arc<How>, Pace)>>;

/// How an endpoint is checked. Two are equal if they must have the same outcome.
#[derive(Clone, Debug, PartialEq)]
pub enum How {
    /// It takes a connection.
    Tcp,
    Udp(UdpCheck),
    Http {
        check: HttpCheck,
        protocol: BackendProtocol,
        /// `None`: without TLS.
        tls: Option<Arc<BackendTls>>,
    },
}

impl How {
    /// For metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp(_) => "udp",
            Self::Http { .. } => "http",
        }
    }
}

/// Ways by backend, before endpoints are known.
type Ways<'a> = BTreeMap<&'a BackendId, Vec<(Arc<How>, Pace)>>;

impl Plan {
    /// The checks of the endpoints that may get new traffic by their conditions. Where two Gateways
    /// ask for the same, it is done at the pace of the one with the shorter interval.
    pub fn checks(&self, endpoints: &Endpoints) -> Wanted {
        let mut ways = Ways::new();
        for (id, frontend) in &self.frontends {
            let parameters = self.parameters.get(frontend.gateway());
            if let Some(check) = parameters.and_then(|p| p.health_check.as_deref()) {
                of_frontend(&mut ways, id, frontend, check);
            }
        }
        let mut wanted = Wanted::new();
        for (backend, ways) in ways {
            let all = endpoints.all(backend).map(|e| (e.address, e.conditions));
            for (address, _) in all.filter(|(_, c)| c.ready && !c.terminating) {
                let id = EndpointId::of(backend, address);
                let known = wanted.entry(id).or_default();
                ways.iter().for_each(|(how, pace)| add(known, how, *pace));
            }
        }
        wanted
    }
}

fn of_frontend<'a>(
    ways: &mut Ways<'a>,
    id: &FrontendId,
    frontend: &'a Frontend,
    check: &HealthCheck,
) {
    let how = match id.transport {
        Transport::Tcp => check.tcp.then_some(How::Tcp),
        Transport::Udp => check.udp.clone().map(How::Udp),
    };
    let how = how.map(Arc::new);
    let mut each = |target: &'a Target, how: Option<&Arc<How>>| {
        if let (Some(backend), Some(how)) = (target.id(), how) {
            add(ways.entry(backend).or_default(), how, check.pace);
        }
    };
    match frontend {
        Frontend::L4(service) => {
            let targets = service.backends.iter().map(|backend| &backend.target);
            targets.for_each(|target| each(target, how.as_ref()));
        }
        Frontend::Http(http) => {
            let backends = http.tls.iter().flat_map(|l| &l.routes);
            let backends = backends.flat_map(|route| &route.backends);
            backends.for_each(|backend| each(&backend.target, how.as_ref()));
            for (kind, backend) in http_backends(http) {
                let how = of_http(kind, backend, check).map(Arc::new);
                each(&backend.target, how.as_ref());
            }
        }
    }
}

fn of_http(kind: RouteKind, backend: &HttpBackend, check: &HealthCheck) -> Option<How> {
    match (&check.http, kind) {
        (Some(http), RouteKind::Http) => Some(How::Http {
            check: http.clone(),
            protocol: backend.protocol,
            tls: backend.tls.clone(),
        }),
        // A server of gRPC answers calls, not a GET.
        (Some(_), RouteKind::Grpc) => Some(How::Tcp),
        (None, _) => check.tcp.then_some(How::Tcp),
    }
}

/// Those of every rule, and of its filters.
fn http_backends(http: &HttpFrontend) -> impl Iterator<Item = (RouteKind, &HttpBackend)> {
    let routes = http.listeners.iter().flat_map(|l| &l.routes);
    routes.flat_map(|route| {
        let backends = route.rules.iter().flat_map(HttpRule::all_backends);
        backends.map(|(backend, calls)| match calls {
            true => (RouteKind::Grpc, backend),
            false => (route.kind, backend),
        })
    })
}

/// The shorter interval wins.
fn add(known: &mut Vec<(Arc<How>, Pace)>, how: &Arc<How>, pace: Pace) {
    let same = |(known, _): &&mut (Arc<How>, Pace)| Arc::ptr_eq(known, how) || known == how;
    match known.iter_mut().find(same) {
        Some((_, known)) => *known = pace.min(*known),
        None => known.push((how.clone(), pace)),
    }
}

#[cfg(test)]
mod tests;
