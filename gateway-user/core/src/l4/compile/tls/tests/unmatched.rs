//! Names that nobody has, and whether their connections are reset.

use super::*;
use crate::plan::{HostPattern, HttpListener, Tls, TlsUnmatched};

fn terminating() -> Option<Tls> {
    Some(Tls {
        certificates: Vec::new(),
        clients: None,
    })
}

fn leads(name: &str, hostname: &str, hosts: &[&str]) -> TlsListener {
    let routes = match hosts {
        [] => Vec::new(),
        hosts => vec![tls_route(name, hosts, &[(name, 1)])],
    };
    tls_listener(hostname, routes)
}

/// With an HTTPS listener for this host name.
fn beside_https(tls: Vec<TlsListener>, hostname: HostPattern) -> Plan {
    let mut plan = plan(vec![(443, tls)]);
    if let Some(Planned::Http(http)) = plan.frontends.get_mut(&tcp(443)) {
        http.listeners.push(HttpListener {
            name: "https".into(),
            hostname,
            tls: terminating(),
            routes: Vec::new(),
        });
    }
    plan
}

fn expect(plan: &Plan, names: &[(&str, u32)]) {
    let tables = advance(&Tables::default(), plan, &backends());
    for (name, leads) in names {
        assert_eq!(service(&tables, 443, name), *leads, "{name:?}");
    }
}

#[test]
fn what_no_route_of_the_most_specific_listener_has_is_nobodys() {
    let through = vec![
        leads("a", "*", &["a.x", "*.b.x"]),
        leads("b", "*.b.x", &["a.b.x"]),
        leads("-", "c.x", &[]),
    ];
    let nobodys = ["", "x", "d.b.x", "c.x", "org"];
    expect(
        &plan(vec![(443, through)]),
        &nobodys.map(|name| (name, TLS_NOBODY)),
    );
}

#[test]
fn a_listener_that_ends_tls_has_the_names_of_its_routes() {
    let ending = TlsListener {
        tls: terminating(),
        ..leads("b", "*.b.x", &["a.b.x"])
    };
    let both = vec![leads("a", "a.x", &["a.x"]), ending];
    expect(
        &plan(vec![(443, both)]),
        &[
            ("a.b.x", TLS_PROXY),
            ("c.b.x", TLS_NOBODY),
            ("", TLS_NOBODY),
        ],
    );
}

#[test]
fn an_https_listener_has_all_names_that_are_its_own() {
    let through = || vec![leads("a", "a.x", &["a.x"])];
    expect(
        &beside_https(through(), HostPattern::Suffix("x".into())),
        &[("b.x", TLS_PROXY), ("org", TLS_NOBODY), ("", TLS_NOBODY)],
    );
    expect(
        &beside_https(through(), HostPattern::Any),
        &[("b.x", TLS_PROXY), ("org", TLS_PROXY), ("", TLS_PROXY)],
    );
}

#[test]
fn a_route_for_all_names_has_clients_without_one() {
    let plan = plan(vec![(443, vec![leads("a", "*", &["*"])])]);
    let tables = advance(&Tables::default(), &plan, &backends());
    let all = service(&tables, 443, "");
    assert!(tables.services.contains_key(&all), "{all}");
    assert_eq!(service(&tables, 443, "org"), all);
}

/// Names stay where they lead: one write for each frontend.
#[test]
fn whether_they_are_reset_is_said_by_the_frontend() {
    let mut plan = one(&[("a", "a.x")]);
    let left = advance(&Tables::default(), &plan, &backends());
    assert_eq!(frontend(&left, 443).resets, 0);
    let parameters = Parameters {
        tls_unmatched: TlsUnmatched::Reset,
        ..Parameters::default()
    };
    let gateway = ObjectName::new("default", "gateway");
    plan.parameters.insert(gateway, parameters.into());
    let ops = diff(
        &left,
        &compile(&plan, &backends(), NODE, &left).expect("it fits"),
    );
    let resets = Frontend {
        resets: 1,
        ..frontend(&left, 443)
    };
    assert_eq!(ops, [MapOp::PutFrontend(frontend_key(&tcp(443)), resets)]);
}

/// A listener without a route for most of its names comes with one that a wider listener had.
#[test]
fn a_name_that_somebody_has_before_and_after_is_never_nobodys() {
    let wide = || leads("a", "*", &["*.x"]);
    let before = plan(vec![(443, vec![wide()])]);
    let after = plan(vec![(443, vec![wide(), leads("b", "*.b.x", &["c.b.x"])])]);
    for (before, after) in [(&before, &after), (&after, &before)] {
        let mut tables = advance(&Tables::default(), before, &backends());
        let desired = compile(after, &backends(), NODE, &tables).expect("it fits");
        for op in diff(&tables, &desired) {
            tables.apply(&op);
            assert_ne!(service(&tables, 443, "c.b.x"), TLS_NOBODY, "{op:?}");
        }
    }
}
