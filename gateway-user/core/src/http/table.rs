//! The compiled routes of every HTTP frontend; immutable, replaced as a whole.

use std::{net::SocketAddr, sync::Arc};

use foldhash::HashMap;
use rustls::ServerConfig;

use super::{
    hosts::Hosts,
    matcher::{Probe, RequestHead},
    names::Names,
    paths::Paths,
    rank::Rank,
    rule::Rule,
    tls,
};
use crate::{
    endpoints::Endpoints,
    name::ObjectName,
    plan::{Frontend as PlannedFrontend, HttpFrontend, HttpListener, HttpRoute, Parameters, Plan},
};

/// Everything that the proxy serves, by local address and port.
#[derive(Debug, Default)]
pub struct Table {
    frontends: HashMap<SocketAddr, Frontend>,
}

#[derive(Debug)]
struct Frontend {
    listeners: Hosts<Listener>,
    parameters: Option<Arc<Parameters>>,
    opening: Opening,
}

/// How the connections of a frontend begin.
#[derive(Clone, Debug)]
pub enum Opening {
    /// With HTTP.
    Clear,
    /// With TLS, which is terminated whatever the server name.
    Https(Arc<ServerConfig>),
    /// With TLS; the server name decides.
    ByName(Arc<Names>),
}

#[derive(Debug)]
struct Listener {
    id: Arc<ListenerId>,
    hosts: Hosts<Paths>,
}

/// Names a listener in metrics and logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId {
    pub gateway: ObjectName,
    pub listener: Arc<str>,
}

/// Which rule takes a request.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'t> {
    Matched(Matched<'t>),
    /// The frontend is not served, or has no listener for this host: 404.
    NoListener,
    /// The listener for this host has no route that matches: 404.
    NoRoute(&'t Arc<ListenerId>),
}

#[derive(Clone, Copy, Debug)]
pub struct Matched<'t> {
    pub listener: &'t Arc<ListenerId>,
    pub rule: &'t Arc<Rule>,
    /// The path prefix that matched, where the match is by prefix.
    pub prefix: Option<&'t Arc<str>>,
}

impl Table {
    /// Compiles the HTTP frontends of a plan with the endpoints that are ready now.
    pub fn compile(plan: &Plan, endpoints: &Endpoints) -> Self {
        let frontends = plan
            .frontends
            .iter()
            .filter_map(|(id, frontend)| match frontend {
                PlannedFrontend::Http(http) => {
                    let parameters = plan.parameters.get(&http.gateway);
                    let frontend = Frontend::new(http, parameters.cloned(), endpoints);
                    Some((id.address, frontend))
                }
                PlannedFrontend::L4(_) => None,
            });
        Self {
            frontends: frontends.collect(),
        }
    }

    /// Whether connections to this address and port are wanted at all.
    pub fn serves(&self, local: SocketAddr) -> bool {
        self.frontends.contains_key(&local)
    }

    /// How connections there begin; `None` where they are not wanted.
    pub fn opening(&self, local: SocketAddr) -> Option<&Opening> {
        self.frontends.get(&local).map(|frontend| &frontend.opening)
    }

    /// How connections are served there; `None`: as by default.
    pub fn parameters(&self, local: SocketAddr) -> Option<&Parameters> {
        self.frontends.get(&local)?.parameters.as_deref()
    }

    /// The rule for a request that arrived at `local`. The most specific listener for its host
    /// takes it, even if another one had a route that matches (listener isolation, GEP-3567).
    /// Among the routes of that listener, those of the more specific host name go first.
    pub fn route<'t>(&'t self, local: SocketAddr, head: &RequestHead<'_>) -> Outcome<'t> {
        let frontend = self.frontends.get(&local);
        let Some(listener) = frontend.and_then(|f| f.listener(head.host)) else {
            return Outcome::NoListener;
        };
        let probe = Probe::new(head);
        let mut hosts = listener.hosts.matching(head.host);
        match hosts.find_map(|paths| paths.find(&probe)) {
            None => Outcome::NoRoute(&listener.id),
            Some(candidate) => Outcome::Matched(Matched {
                listener: &listener.id,
                rule: &candidate.rule,
                prefix: candidate.prefix.as_ref(),
            }),
        }
    }

    /// Whether a TLS connection opened for the server name `sni` may not carry requests for `host`:
    /// it may only if one listener takes both. Otherwise the answer is 421 (RFC 9110 section
    /// 15.5.20), also for hosts whose connections are forwarded as they are.
    pub fn is_misdirected(&self, local: SocketAddr, sni: &str, host: &str) -> bool {
        if let Some(Opening::ByName(names)) = self.opening(local)
            && names.is_forwarded(host)
        {
            return true;
        }
        let listener = |name| self.frontends.get(&local).and_then(|f| f.listener(name));
        match (listener(sni), listener(host)) {
            (Some(of_sni), Some(of_host)) => !Arc::ptr_eq(&of_sni.id, &of_host.id),
            _ => false,
        }
    }
}

impl Frontend {
    fn new(
        http: &HttpFrontend,
        parameters: Option<Arc<Parameters>>,
        endpoints: &Endpoints,
    ) -> Self {
        let mut listeners = Hosts::default();
        for listener in &http.listeners {
            // The first of two listeners for the same hosts counts; translation reports the other.
            listeners.entry(&listener.hostname, || {
                Listener::new(&http.gateway, listener, endpoints)
            });
        }
        let https = |l: &HttpListener| l.tls.clone().map(|tls| (l.hostname.clone(), tls));
        let https = http.listeners.iter().filter_map(https);
        let https = tls::server_config(https, &["h2", "http/1.1"]);
        let secure = http.listeners.iter().any(|l| l.tls.is_some());
        let opening = match (http.tls.is_empty(), https) {
            (true, None) if !secure => Opening::Clear,
            (true, Some(config)) => Opening::Https(config),
            // Also where TLS is wanted and cannot be had: then nobody is let in.
            (_, https) => {
                let unmatched = parameters.as_ref().map(|p| p.tls_unmatched);
                let unmatched = unmatched.unwrap_or_default();
                let names = Names::new(http, https.as_ref(), endpoints, unmatched);
                Opening::ByName(Arc::new(names))
            }
        };
        Self {
            listeners,
            parameters,
            opening,
        }
    }

    fn listener(&self, host: &str) -> Option<&Listener> {
        self.listeners.matching(host).next()
    }
}

impl Listener {
    fn new(gateway: &ObjectName, listener: &HttpListener, endpoints: &Endpoints) -> Self {
        let mut hosts = Hosts::default();
        for route in &listener.routes {
            insert(&mut hosts, route, endpoints);
        }
        hosts.values_mut().for_each(Paths::sort);
        Self {
            id: Arc::new(ListenerId {
                gateway: gateway.clone(),
                listener: listener.name.clone(),
            }),
            hosts,
        }
    }
}

fn insert(hosts: &mut Hosts<Paths>, route: &HttpRoute, endpoints: &Endpoints) {
    for (index, rule) in route.rules.iter().enumerate() {
        let compiled = Arc::new(Rule::new(route, rule, endpoints));
        for (position, matched) in rule.matches.iter().enumerate() {
            for hostname in &route.hostnames {
                let rank = Rank::new(route, index, position, matched);
                hosts
                    .entry(hostname, Paths::default)
                    .insert(rank, matched, &compiled);
            }
        }
    }
}

#[cfg(test)]
mod tests;
