//! Plans, endpoints and random numbers for the tests of this module.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
};

use crate::{
    endpoints::{Endpoint, Endpoints},
    name::ObjectName,
    plan::{
        BackendId, Frontend, FrontendId, HostPattern, HttpFrontend, L4Service, Plan, Target,
        TlsListener, TlsRoute, Transport, WeightedBackend,
    },
};

/// SplitMix64: the same numbers for the same seed, everywhere.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    /// Evenly among `0..end`, near enough.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

pub(crate) fn tcp(port: u16) -> FrontendId {
    FrontendId {
        address: SocketAddr::new(Ipv4Addr::new(203, 0, 113, 1).into(), port),
        transport: Transport::Tcp,
    }
}

pub(crate) fn backend(name: &str) -> BackendId {
    BackendId {
        service: ObjectName::new("default", name),
        port: 80,
        transport: Transport::Tcp,
    }
}

/// `*` is any host, `*.x` a wildcard.
pub(crate) fn pattern(text: &str) -> HostPattern {
    match text.strip_prefix("*.") {
        Some(rest) => HostPattern::Suffix(rest.into()),
        None if text == "*" => HostPattern::Any,
        None => HostPattern::Exact(text.into()),
    }
}

/// A route of these host names; backends as of [`service`].
pub(crate) fn tls_route(name: &str, hosts: &[&str], backends: &[(&str, u32)]) -> TlsRoute {
    TlsRoute {
        name: ObjectName::new("default", name),
        hostnames: hosts.iter().map(|host| pattern(host)).collect(),
        backends: service(backends).backends,
    }
}

/// Of mode Passthrough.
pub(crate) fn tls_listener(hostname: &str, routes: Vec<TlsRoute>) -> TlsListener {
    TlsListener {
        name: hostname.into(),
        hostname: pattern(hostname),
        tls: None,
        routes,
    }
}

pub(crate) fn tls_frontend(tls: Vec<TlsListener>) -> Frontend {
    Frontend::Http(HttpFrontend {
        gateway: ObjectName::new("default", "gateway"),
        listeners: Vec::new(),
        tls,
    })
}

/// `(Service name, weight)` pairs; the name `!` is an invalid reference.
pub(crate) fn service(backends: &[(&str, u32)]) -> L4Service {
    let weighted = |(name, weight): &(&str, u32)| WeightedBackend {
        target: match *name {
            "!" => Target::Invalid,
            name => Target::Backend(backend(name)),
        },
        weight: *weight,
        tls: None,
    };
    L4Service {
        gateway: ObjectName::new("default", "gateway"),
        listener: "tcp".into(),
        route: Some(ObjectName::new("default", "route")),
        options: crate::plan::L4Options::default(),
        backends: backends.iter().map(weighted).collect(),
    }
}

pub(crate) fn plan(frontends: &[(FrontendId, &[(&str, u32)])]) -> Plan {
    let frontends = frontends
        .iter()
        .map(|(id, backends)| (*id, Frontend::L4(service(backends))));
    Plan {
        frontends: frontends.collect(),
        ..Plan::default()
    }
}

/// `(Service name, addresses)` pairs, all ready.
pub(crate) fn endpoints(of: &[(&str, &[&str])]) -> Endpoints {
    let parsed = |address: &&str| Endpoint::new(address.parse().expect("an address and port"));
    let lists = of
        .iter()
        .map(|(name, list)| (backend(name), list.iter().map(parsed).collect()));
    Endpoints(lists.collect::<BTreeMap<_, _>>())
}
