//! Who takes a connection for a server name.

use std::collections::BTreeMap;

use super::*;
use crate::{
    balance::Rng,
    endpoints::{Conditions, Endpoint},
    http::hosts::pattern,
    plan::{HttpListener, TlsUnmatched, Transport, WeightedBackend},
};

fn id(name: &str) -> BackendId {
    BackendId {
        service: ObjectName::new("default", name),
        port: 443,
        transport: Transport::Tcp,
    }
}

fn route(name: &str, hosts: &[&str], backends: Vec<WeightedBackend>) -> TlsRoute {
    TlsRoute {
        name: ObjectName::new("default", name),
        hostnames: hosts.iter().map(|host| pattern(host)).collect(),
        backends,
    }
}

fn listener(hostname: &str, routes: Vec<TlsRoute>) -> TlsListener {
    TlsListener {
        name: hostname.into(),
        hostname: pattern(hostname),
        tls: None,
        routes,
    }
}

fn names(https: &[&str], tls: Vec<TlsListener>) -> Names {
    let http = |hostname: &&str| HttpListener {
        name: (*hostname).into(),
        hostname: pattern(hostname),
        tls: None,
        routes: Vec::new(),
    };
    let frontend = HttpFrontend {
        gateway: ObjectName::new("default", "gateway"),
        listeners: https.iter().map(http).collect(),
        tls,
    };
    let any = (
        pattern("*"),
        crate::plan::Tls {
            certificates: Vec::new(),
            clients: None,
        },
    );
    let config = tls::server_config([any].into_iter(), &[]);
    Names::new(
        &frontend,
        config.as_ref(),
        &Endpoints::default(),
        TlsUnmatched::Proxy,
    )
}

fn taker(names: &Names, name: &str) -> String {
    match names.take(name) {
        Taken::Https(_) => "https".to_owned(),
        Taken::Forward { route, .. } => route.route.name.to_string(),
        Taken::NoRoute(id) => format!("no route at {}", id.listener),
        Taken::NoListener => "nobody".to_owned(),
    }
}

#[test]
fn the_most_specific_listener_takes_a_name_then_its_most_specific_route() {
    let names = names(
        &["www.example.com", "*.app.example.com"],
        vec![
            listener(
                "*.example.com",
                vec![
                    route("wide", &["*.example.com"], Vec::new()),
                    route("one", &["a.example.com", "*.b.example.com"], Vec::new()),
                    route("late", &["a.example.com", "c.example.com"], Vec::new()),
                ],
            ),
            listener(
                "x.example.com",
                vec![route("x", &["x.example.com"], Vec::new())],
            ),
            listener("empty.example.com", Vec::new()),
            listener("*", vec![route("any", &["a.org", "*.c.org"], Vec::new())]),
        ],
    );
    for (name, expected) in [
        ("a.example.com", "one"),
        ("z.b.example.com", "one"),
        ("b.example.com", "wide"),
        ("c.example.com", "late"),
        ("d.e.example.com", "wide"),
        ("x.example.com", "x"),
        ("www.example.com", "https"),
        ("y.app.example.com", "https"),
        // Isolation: the wildcard's route would match.
        ("empty.example.com", "no route at empty.example.com"),
        ("a.org", "any"),
        ("z.c.org", "any"),
        ("c.org", "no route at *"),
        ("example.com", "no route at *"),
        ("", "no route at *"),
    ] {
        assert_eq!(taker(&names, name), expected, "{name}");
    }
}

#[test]
fn nobody_takes_what_no_listener_names() {
    let names = names(
        &[],
        vec![listener("a.com", vec![route("a", &["a.com"], Vec::new())])],
    );
    for name in ["", "b.com", "x.a.com"] {
        assert_eq!(taker(&names, name), "nobody", "{name}");
    }
}

#[test]
fn connections_are_shared_by_weight_and_invalid_shares_go_nowhere() {
    let ready = |ready| Endpoint {
        conditions: Conditions {
            ready,
            ..Conditions::default()
        },
        ..Endpoint::new("10.0.0.1:443".parse().unwrap())
    };
    let endpoints = Endpoints(BTreeMap::from([
        (id("good"), vec![ready(true)]),
        (id("idle"), vec![ready(false)]),
    ]));
    let to = |target, weight| WeightedBackend {
        target,
        weight,
        tls: None,
    };
    let backends = vec![
        to(Target::Backend(id("good")), 2),
        to(Target::Backend(id("idle")), 1),
        to(Target::Invalid, 1),
        to(Target::Backend(id("off")), 0),
    ];
    let forward = Forward::new(&route("r", &["a.com"], backends), &endpoints);
    let mut rng = Rng::new(5);
    let (mut good, mut idle, mut invalid) = (0, 0, 0);
    for _ in 0..10_000 {
        match forward.choose(rng.draw()) {
            Destination::Backend(to) => {
                assert_eq!(*to.endpoints, ["10.0.0.1:443".parse().unwrap()]);
                good += 1;
            }
            Destination::NoEndpoint(backend) => {
                assert_eq!(*backend, id("idle"));
                idle += 1;
            }
            Destination::Invalid => invalid += 1,
        }
    }
    assert!((4_800..5_200).contains(&good), "{good}");
    assert!((2_300..2_700).contains(&idle), "{idle}");
    assert!((2_300..2_700).contains(&invalid), "{invalid}");
    let none = Forward::new(&route("r", &["a.com"], Vec::new()), &endpoints);
    assert_eq!(none.choose(7), Destination::Invalid);
}
