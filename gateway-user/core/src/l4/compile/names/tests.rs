//! One list of names chooses as the proxy does in two steps.

use std::net::SocketAddr;

use gateway_common::abi::{TLS_NOBODY, TLS_PROXY};

use super::*;
use crate::{
    endpoints::Endpoints,
    http::{Opening, Table, Taken},
    l4::{
        names::{NameKey, NameTable, matching},
        testing::{Rng, pattern, tcp, tls_frontend, tls_listener, tls_route},
    },
    name::ObjectName,
    plan::{Frontend, HttpListener, Plan, Tls},
};

const GROUP: u16 = 9;
/// Few, so that patterns meet.
const LABELS: [&str; 3] = ["a", "b", "c"];

/// Most of one to four labels; the last one is always the same.
fn random_name(rng: &mut Rng) -> String {
    let labels = (0..rng.below(4)).map(|_| LABELS[rng.below(3) as usize]);
    labels.chain(["x"]).collect::<Vec<_>>().join(".")
}

fn random_pattern(rng: &mut Rng) -> HostPattern {
    match rng.below(8) {
        0 => HostPattern::Any,
        1..4 => HostPattern::Suffix(random_name(rng).into()),
        _ => HostPattern::Exact(random_name(rng).into()),
    }
}

/// What a route's host name is at a listener: the narrower of both.
fn intersection(one: &HostPattern, other: &HostPattern) -> Option<HostPattern> {
    if wider(one).any(|wide| wide == *other) {
        return Some(one.clone());
    }
    wider(other).any(|wide| wide == *one).then(|| other.clone())
}

fn tls() -> Tls {
    Tls {
        certificates: Vec::new(),
        clients: None,
    }
}

fn random_frontend(rng: &mut Rng) -> HttpFrontend {
    let routes: Vec<(String, Vec<HostPattern>)> = (0..rng.below(5))
        .map(|n| {
            let hosts = (0..=rng.below(3)).map(|_| random_pattern(rng)).collect();
            (format!("r{n}"), hosts)
        })
        .collect();
    let mut listeners = Vec::new();
    for _ in 0..=rng.below(4) {
        let hostname = random_pattern(rng);
        let mut listener = tls_listener("one", Vec::new());
        listener.tls = (rng.below(4) == 0).then(tls);
        for (name, hosts) in routes.iter().filter(|_| rng.below(3) > 0) {
            let at = |host| intersection(host, &hostname);
            let hostnames: Vec<_> = hosts.iter().filter_map(at).collect();
            if !hostnames.is_empty() {
                let route = tls_route(name, &[], &[]);
                listener.routes.push(TlsRoute { hostnames, ..route });
            }
        }
        listener.hostname = hostname;
        listeners.push(listener);
    }
    let https = (0..rng.below(3)).map(|_| HttpListener {
        name: "https".into(),
        hostname: random_pattern(rng),
        tls: Some(tls()),
        routes: Vec::new(),
    });
    HttpFrontend {
        gateway: ObjectName::new("default", "gateway"),
        listeners: https.collect(),
        tls: listeners,
    }
}

/// Who takes a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Taker {
    /// It is passed through.
    Route(ObjectName),
    /// It ends here.
    Proxy,
    Nobody,
}

fn by_proxy(table: &Table, at: SocketAddr, name: &str) -> Taker {
    let Some(Opening::ByName(names)) = table.opening(at) else {
        panic!("the server name decides");
    };
    match names.take(name) {
        Taken::Forward {
            route,
            terminate: None,
            ..
        } => Taker::Route(route.route.clone()),
        Taken::Forward { .. } | Taken::Https(_) => Taker::Proxy,
        Taken::NoRoute(_) | Taken::NoListener => Taker::Nobody,
    }
}

#[test]
fn the_kernel_chooses_as_the_proxy_does() {
    let seed = 20_251_129;
    let mut rng = Rng(seed);
    let (mut passed, mut ended, mut left) = (0, 0, 0);
    for round in 0..400 {
        let http = random_frontend(&mut rng);
        let names = flatten(&http);
        let routes = names.values().filter_map(Leads::route);
        let routes: Vec<&ObjectName> = routes.map(|(_, route)| &route.name).collect();
        let trie: NameTable = names
            .iter()
            .map(|(pattern, to)| {
                let service = match to {
                    Leads::Route((_, route)) => {
                        let at = routes.iter().position(|name| **name == route.name);
                        at.expect("a route") as u32 + 1
                    }
                    Leads::Proxy => TLS_PROXY,
                    Leads::Nobody => TLS_NOBODY,
                };
                let key = NameKey::new(GROUP, pattern).expect("it is short enough");
                (key, key.leads_to(service))
            })
            .collect();
        let id = tcp(443);
        let plan = Plan {
            frontends: BTreeMap::from([(id, Frontend::Http(http.clone()))]),
            ..Plan::default()
        };
        let table = Table::compile(&plan, &Endpoints::default());
        let mut asked: Vec<String> = (0..60).map(|_| random_name(&mut rng)).collect();
        asked.extend(["", "y", "ax", "a.b.c.a.b.x"].map(str::to_owned));
        for name in asked {
            let key = NameKey::asked(GROUP, &name).expect("it is short enough");
            let service = matching(&trie, key).map_or(TLS_NOBODY, |(_, target)| target.service);
            let by_kernel = match service {
                TLS_PROXY => Taker::Proxy,
                TLS_NOBODY => Taker::Nobody,
                id => Taker::Route(routes[id as usize - 1].clone()),
            };
            let expected = by_proxy(&table, id.address, &name);
            match expected {
                Taker::Route(_) => passed += 1,
                Taker::Proxy => ended += 1,
                Taker::Nobody => left += 1,
            }
            assert_eq!(
                by_kernel, expected,
                "seed {seed}, round {round}: {name:?} of {http:?}"
            );
        }
    }
    let enough = [passed, ended, left].into_iter().all(|count| count > 3_000);
    assert!(enough, "{passed}, {ended} and {left}");
}

#[test]
fn a_listener_without_a_route_for_a_name_keeps_it_from_wider_ones() {
    let frontend = tls_frontend(vec![
        tls_listener("*.x", vec![tls_route("wide", &["*.x", "a.b.x"], &[])]),
        tls_listener("*.b.x", vec![tls_route("one", &["c.b.x"], &[])]),
    ]);
    let Frontend::Http(http) = frontend else {
        panic!("it is one of the proxy's");
    };
    let names = flatten(&http);
    let shown: Vec<(HostPattern, Option<&str>)> = names
        .iter()
        .map(|(pattern, to)| ((*pattern).clone(), to.route().map(|(_, r)| &*r.name.name)))
        .collect();
    let expected = [
        ("c.b.x", Some("one")),
        ("*.b.x", None),
        ("*.x", Some("wide")),
    ];
    assert_eq!(shown, expected.map(|(text, to)| (pattern(text), to)));
}
