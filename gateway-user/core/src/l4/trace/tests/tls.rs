//! TLS passthrough: by name, and of connections that are known.

use gateway_common::{
    abi::{BY_SNAT, TLS_NOBODY},
    splice::{
        HelloKind,
        state::{COLLECT, DRAINED, LOCAL, REFUSED, SPLICED},
    },
};

use super::*;
use crate::plan::HostPattern;

pub(super) const GROUP: u16 = 5;
const TLS: &str = "203.0.113.1:443";

/// `*.example` leads to the service, `a.example` to the proxy.
fn named() -> Maps {
    let mut maps = maps(1);
    for (pattern, service) in [
        (HostPattern::Suffix("example".into()), 1),
        (HostPattern::Exact("a.example".into()), 0),
    ] {
        let name = NameKey::new(GROUP, &pattern).expect("it is short enough");
        maps.names.insert(name, name.leads_to(service));
    }
    maps
}

fn asked(maps: &Maps, name: &str) -> Trace {
    let trace = run_for(maps, CLIENT, TLS, Some(name));
    assert_eq!(trace.outcome, Counter::Tls);
    trace
}

fn looked_up(trace: &Trace) -> Vec<&'static str> {
    let words = trace.steps.iter().filter_map(|step| match step {
        Step::Name(_, None) => Some("no name"),
        Step::Name(_, Some(_)) => Some("name"),
        Step::Service(..) => Some("service"),
        Step::Slot(..) => Some("slot"),
        Step::Backend(..) => Some("backend"),
        Step::Splice(_, None) => Some("no splice"),
        Step::Splice(..) => Some("splice"),
        Step::Tie(..) => Some("tie"),
        _ => None,
    });
    words.collect()
}

#[test]
fn the_longest_name_leads_to_a_backend_or_the_proxy() {
    let maps = named();
    let trace = asked(&maps, "b.example");
    let backend = Tls::Backend {
        service: 1,
        source: at(CLIENT),
        backend: at(BACKEND),
    };
    assert_eq!(trace.tls, Some(backend));
    assert_eq!(trace.rewritten, Some((at(CLIENT), at(BACKEND))));
    assert_eq!(trace.steer, None);
    let steps = ["no splice", "name", "service", "slot", "backend"];
    assert_eq!(looked_up(&trace), steps);
    for (name, step) in [("a.example", "name"), ("org", "no name"), ("", "no name")] {
        let trace = asked(&maps, name);
        assert_eq!(trace.tls, Some(Tls::Proxy), "{name:?}");
        assert!(matches!(trace.steer, Some(Steer::Worker(0..4))), "{name:?}");
        assert_eq!(looked_up(&trace), ["no splice", step], "{name:?}");
    }
}

#[test]
fn a_hello_is_called_as_it_is_counted_and_reset_where_nobody_has_it() {
    for (resets, nobody) in [(0, Tls::Proxy), (1, Tls::Unmatched)] {
        let mut maps = named();
        maps.resets = resets;
        let bare = NameKey::new(GROUP, &HostPattern::Suffix("bare".into()));
        let bare = bare.expect("it is short enough");
        maps.names.insert(bare, bare.leads_to(TLS_NOBODY));
        for (name, kind, expected) in [
            ("a.example", HelloKind::NameOfProxy, &Tls::Proxy),
            ("a.bare", HelloKind::UnknownName, &nobody),
            ("org", HelloKind::UnknownName, &nobody),
            ("", HelloKind::NoName, &nobody),
        ] {
            let trace = asked(&maps, name);
            let found = (trace.hello, trace.tls.as_ref());
            assert_eq!(found, (Some(kind), Some(expected)), "{name:?}");
            assert_eq!(trace.rewritten, None, "{name:?}");
            assert_eq!(trace.steer.is_some(), *expected == Tls::Proxy, "{name:?}");
        }
        let trace = asked(&maps, "b.example");
        assert_eq!(trace.hello, Some(HelloKind::Name));
        assert!(matches!(trace.tls, Some(Tls::Backend { service: 1, .. })));
    }
    assert_eq!(run(&named(), CLIENT, TLS).hello, None, "nobody says which");
}

#[test]
fn without_a_name_it_is_not_known_where_a_connection_goes() {
    let trace = run(&named(), CLIENT, TLS);
    assert_eq!(trace.tls, Some(Tls::Unnamed));
    assert_eq!((trace.rewritten, trace.steer), (None, None));
    assert_eq!(looked_up(&trace), ["no splice"]);
}

#[test]
fn a_far_backend_sees_an_address_of_the_node() {
    let mut maps = named();
    maps.far = BY_SNAT;
    let refused = Some(Tls::Nobody { service: 1 });
    assert_eq!(asked(&maps, "b.example").tls, refused, "no such address");
    maps.snat = Some(Snat {
        address: at(NODE).ip().into(),
        first_port: 61_000,
        ports: 1,
        ..Snat::default()
    });
    let node = SocketAddr::new(at(NODE).ip(), 61_000);
    let trace = asked(&maps, "b.example");
    assert_eq!(trace.rewritten, Some((node, at(BACKEND))));
}

#[test]
fn a_service_without_a_backend_refuses() {
    let mut maps = named();
    maps.backends = 0;
    let trace = asked(&maps, "b.example");
    assert_eq!(trace.tls, Some(Tls::Nobody { service: 1 }));
    assert_eq!((trace.rewritten, trace.steer), (None, None));
}

fn connection(phase: u32, service: u32) -> (FlowKey, Splice) {
    let splice = Splice {
        source: at(CLIENT).ip().into(),
        source_port: at(CLIENT).port().into(),
        backend_address: at(BACKEND).ip().into(),
        backend_port: at(BACKEND).port().into(),
        service,
        phase,
        ..Splice::default()
    };
    (tuple(CLIENT, TLS).key(FORWARD), splice)
}

#[test]
fn a_known_connection_is_followed_from_either_end() {
    let mut maps = named();
    let (key, splice) = connection(SPLICED, 1);
    maps.splices.insert(key, splice);
    let request = run(&maps, CLIENT, TLS);
    assert_eq!(request.tls, Some(Tls::Known(key, splice)));
    assert_eq!(request.rewritten, Some((at(CLIENT), at(BACKEND))));
    assert_eq!((request.reply, request.steer), (false, None));
    assert_eq!(looked_up(&request), ["splice"]);

    let reply = run(&maps, BACKEND, CLIENT);
    assert_eq!((reply.outcome, reply.reply), (Counter::Tls, true));
    assert_eq!(reply.rewritten, Some((at(TLS), at(CLIENT))));
    assert_eq!(looked_up(&reply), ["tie", "splice"]);
}

#[test]
fn what_the_proxy_has_or_nobody_yet_is_not_rewritten() {
    let mut maps = named();
    for (phase, service) in [(SPLICED, LOCAL), (COLLECT, 1)] {
        let (key, mut splice) = connection(phase, service);
        if phase == COLLECT {
            splice.backend_port = 0;
        }
        maps.splices.insert(key, splice);
        let trace = run(&maps, CLIENT, TLS);
        assert_eq!(trace.tls, Some(Tls::Known(key, splice)));
        assert_eq!((trace.rewritten, trace.steer), (None, None));
    }
}

#[test]
fn a_connection_that_is_over_makes_way_for_a_new_one() {
    for phase in [REFUSED, DRAINED] {
        let mut maps = named();
        let (key, splice) = connection(phase, 1);
        maps.splices.insert(key, splice);
        let trace = asked(&maps, "a.example");
        assert_eq!(trace.tls, Some(Tls::Proxy));
        assert_eq!(looked_up(&trace), ["splice", "name"]);
    }
}
