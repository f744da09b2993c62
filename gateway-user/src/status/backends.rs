//! Backends of each route, with their share of the traffic and their endpoints.

use std::collections::BTreeMap;

use gateway_core::{
    api::Kind,
    endpoints::Endpoints,
    plan::{Frontend, HttpListener, Plan, Target, TlsListener, Transport},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackendRow {
    /// Kind, namespace and name of the route.
    pub route: String,
    /// Index of the route's rule, from 0.
    pub rule: usize,
    /// Service and port; `invalid` where the reference leads nowhere.
    pub backend: String,
    /// Part of the rule's traffic, from 0 to 1.
    pub share: f64,
    pub ready: usize,
    pub total: usize,
}

type Weighted<'a> = Vec<(&'a Target, u32)>;

/// One row for each backend of each rule, by route. A route on several listeners counts once.
pub fn backends(plan: &Plan, endpoints: &Endpoints) -> Vec<BackendRow> {
    let mut rules: BTreeMap<(String, usize), Weighted<'_>> = BTreeMap::new();
    for (id, frontend) in &plan.frontends {
        match frontend {
            Frontend::L4(service) => {
                let Some(route) = &service.route else {
                    continue;
                };
                let route = format!("{} {route}", l4_kind(id.transport));
                let backends = service.backends.iter().map(|b| (&b.target, b.weight));
                rules.insert((route, 0), backends.collect());
            }
            Frontend::Http(http) => {
                rules.extend(http.listeners.iter().flat_map(http_rules));
                rules.extend(http.tls.iter().flat_map(tls_rules));
            }
        }
    }
    let rows = rules.iter().flat_map(|((route, rule), backends)| {
        let all: u64 = backends.iter().map(|(_, weight)| u64::from(*weight)).sum();
        backends.iter().map(move |(target, weight)| {
            let share = if all == 0 {
                0.0
            } else {
                f64::from(*weight) / all as f64
            };
            row(route, *rule, target, share, endpoints)
        })
    });
    rows.collect()
}

fn l4_kind(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => Kind::TcpRoute.as_str(),
        Transport::Udp => Kind::UdpRoute.as_str(),
    }
}

fn http_rules(listener: &HttpListener) -> impl Iterator<Item = ((String, usize), Weighted<'_>)> {
    listener.routes.iter().flat_map(move |route| {
        route.rules.iter().enumerate().map(move |(index, rule)| {
            let backends = rule.backends.iter().map(|b| (&b.target, b.weight));
            let name = format!("{} {}", route.kind.kind(), route.name);
            ((name, index), backends.collect())
        })
    })
}

fn tls_rules(listener: &TlsListener) -> impl Iterator<Item = ((String, usize), Weighted<'_>)> {
    listener.routes.iter().map(|route| {
        let name = format!("{} {}", Kind::TlsRoute, route.name);
        let backends = route.backends.iter().map(|b| (&b.target, b.weight));
        ((name, 0), backends.collect())
    })
}

fn row(route: &str, rule: usize, target: &Target, share: f64, endpoints: &Endpoints) -> BackendRow {
    let (backend, ready, total) = match target {
        Target::Invalid => ("invalid".to_owned(), 0, 0),
        Target::Backend(id) => {
            let total = endpoints.0.get(id).map_or(0, Vec::len);
            let ready = endpoints.all(id).filter(|e| e.conditions.ready);
            (id.to_string(), ready.count(), total)
        }
    };
    BackendRow {
        route: route.to_owned(),
        rule,
        backend,
        share,
        ready,
        total,
    }
}
