//! What a rule does with a request, by its backends.

use super::*;
use crate::{
    endpoints::{Conditions, Endpoint},
    plan::{Target, Transport},
};

fn id(name: &str) -> BackendId {
    let service = ObjectName::new("default", name);
    BackendId {
        service,
        port: 80,
        transport: Transport::Tcp,
    }
}

fn rule(backends: &[(u32, Target)]) -> Rule {
    let backends = backends.iter().cloned();
    let backends = backends.map(|(weight, target)| HttpBackend {
        protocol: BackendProtocol::Http1,
        tls: None,
        target,
        weight,
        filters: vec![],
    });
    let planned = HttpRule {
        name: None,
        matches: Vec::new(),
        filters: Vec::new(),
        backends: backends.collect(),
        ..HttpRule::default()
    };
    let endpoint = |port, ready| Endpoint {
        conditions: Conditions {
            ready,
            ..Conditions::default()
        },
        ..Endpoint::new(([192, 0, 2, 1], port).into())
    };
    let all = [
        (
            id("full"),
            vec![endpoint(1, true), endpoint(2, false), endpoint(3, true)],
        ),
        (id("unready"), vec![endpoint(4, false)]),
    ];
    let route = HttpRoute {
        kind: RouteKind::Http,
        name: ObjectName::new("default", "route"),
        created: None,
        hostnames: Vec::new(),
        rules: Vec::new(),
    };
    Rule::new(&route, &planned, &Endpoints(all.into()))
}

#[test]
fn only_ready_endpoints_are_offered() {
    let rule = rule(&[(1, Target::Backend(id("full")))]);
    let Choice::Backend(_, endpoints) = rule.choose(7) else {
        panic!("{:?}", rule.choose(7));
    };
    assert_eq!(
        endpoints.iter().map(SocketAddr::port).collect::<Vec<_>>(),
        [1, 3]
    );
}

#[test]
fn nothing_to_send_to() {
    assert!(matches!(rule(&[]).choose(0), Choice::Invalid));
    assert!(matches!(
        rule(&[(0, Target::Backend(id("full")))]).choose(0),
        Choice::Invalid
    ));
    assert!(matches!(
        rule(&[(1, Target::Invalid)]).choose(0),
        Choice::Invalid
    ));
    for name in ["unready", "unheard-of"] {
        let rule = rule(&[(1, Target::Backend(id(name)))]);
        assert!(matches!(rule.choose(0), Choice::NoEndpoint(of) if *of == id(name)));
    }
}

#[test]
fn an_invalid_reference_keeps_its_share() {
    let rule = rule(&[(3, Target::Backend(id("full"))), (1, Target::Invalid)]);
    assert!(matches!(
        rule.choose(u64::MAX / 4 * 3 - 1),
        Choice::Backend(..)
    ));
    assert!(matches!(rule.choose(u64::MAX / 4 * 3 + 9), Choice::Invalid));
}

#[test]
fn mirrors_take_their_share() {
    let takes = |numerator, denominator| {
        let backend = Backend {
            target: None,
            protocol: BackendProtocol::Http1,
            tls: None,
            filters: Box::new([]),
            mirrors: Box::new([]),
            auths: Box::new([]),
        };
        let mirror = Mirror {
            backend,
            share: Share {
                numerator,
                denominator,
            },
        };
        let mut rng = crate::balance::Rng::new(1);
        (0..10_000).filter(|_| mirror.takes(rng.draw())).count()
    };
    assert_eq!(
        (takes(0, 100), takes(100, 100), takes(1, 1)),
        (0, 10_000, 10_000)
    );
    assert!((1_800..2_200).contains(&takes(20, 100)));
    assert!((4_800..5_200).contains(&takes(25, 50)));
}
