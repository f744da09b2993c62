//! Frontends for TLS passthrough: kinds, names, services, and what is left to the proxy.

use gateway_common::{
    abi::{BY_SNAT, NEAR},
    maps::SERVICES_MAX,
};

use super::*;
use crate::{
    endpoints::{Nodes, Tunnels},
    l4::{
        MapOp, Tables, compile, diff,
        names::matching,
        proxied,
        testing::{
            backend, endpoints, plan as l4_plan, tcp, tls_frontend, tls_listener, tls_route,
        },
    },
    plan::{Frontend as Planned, Parameters, Plan, TlsListener, TlsPassthrough},
};

mod many;
mod unmatched;

const NODE: Node = Node {
    workers: 2,
    mtu: Some(1400),
};

fn plan(frontends: Vec<(u16, Vec<TlsListener>)>) -> Plan {
    let frontends = frontends.into_iter();
    Plan {
        frontends: frontends
            .map(|(port, tls)| (tcp(port), tls_frontend(tls)))
            .collect(),
        ..Plan::default()
    }
}

/// Of one listener for all names: routes with their host name, and the backend of their own name.
fn one(routes: &[(&str, &str)]) -> Plan {
    let routes = routes
        .iter()
        .map(|(name, host)| tls_route(name, &[host], &[(name, 1)]));
    plan(vec![(443, vec![tls_listener("*", routes.collect())])])
}

fn backends() -> Endpoints {
    endpoints(&[("a", &["10.0.0.1:443"]), ("b", &["10.0.0.2:443"])])
}

/// Compiles and takes into force, as a daemon does.
fn advance(current: &Tables, plan: &Plan, endpoints: &Endpoints) -> Tables {
    let desired = compile(plan, endpoints, NODE, current).expect("it fits");
    let mut next = current.clone();
    diff(current, &desired).iter().for_each(|op| next.apply(op));
    assert_eq!(next, desired);
    assert_eq!(next.routes, desired.routes);
    next
}

fn frontend(tables: &Tables, port: u16) -> Frontend {
    tables.frontends[&frontend_key(&tcp(port))]
}

/// What the kernel finds for a name, as [`TlsTarget::service`] has it.
fn service(tables: &Tables, port: u16, name: &str) -> u32 {
    let group = frontend(tables, port).service as u16;
    let asked = NameKey::asked(group, name).expect("it is short enough");
    matching(&tables.names, asked).map_or(TLS_NOBODY, |(_, target)| target.service)
}

#[test]
fn a_name_leads_to_the_backends_of_its_route() {
    let tables = advance(
        &Tables::default(),
        &one(&[("a", "a.x"), ("b", "*.b.x")]),
        &backends(),
    );
    let expected = Frontend {
        kind: KIND_TLS,
        service: 1,
        workers: 2,
        mss: 1360,
        ..Frontend::default()
    };
    assert_eq!(frontend(&tables, 443), expected);
    for (name, address) in [("a.x", [10, 0, 0, 1]), ("c.b.x", [10, 0, 0, 2])] {
        let id = service(&tables, 443, name);
        let found: Vec<_> = tables.backends_of(id).map(|(_, b)| b.address).collect();
        assert_eq!(found, [std::net::IpAddr::from(address).into()], "{name}");
        assert_eq!(tables.services[&id].backends, 1);
    }
    for name in ["", "b.x", "x.a.x", "org"] {
        assert_eq!(service(&tables, 443, name), TLS_NOBODY, "{name:?}");
    }
    assert!(
        tables.origins.is_empty(),
        "they are of TCP and UDP listeners"
    );
}

#[test]
fn without_a_name_to_pass_on_the_proxy_has_it_all() {
    let terminated = TlsListener {
        tls: Some(crate::plan::Tls {
            certificates: Vec::new(),
            clients: None,
        }),
        ..tls_listener("*", vec![tls_route("a", &["a.x"], &[("a", 1)])])
    };
    for listeners in [
        Vec::new(),
        vec![tls_listener("*", Vec::new())],
        vec![terminated],
    ] {
        let tables = advance(
            &Tables::default(),
            &plan(vec![(443, listeners)]),
            &backends(),
        );
        assert_eq!(frontend(&tables, 443), by_proxy(NODE));
        assert!(tables.names.is_empty() && tables.services.is_empty());
    }
}

#[test]
fn it_can_be_left_to_the_proxy() {
    let mut plan = one(&[("a", "a.x")]);
    let on = advance(&Tables::default(), &plan, &backends());
    let parameters = Parameters {
        tls_passthrough: TlsPassthrough::Proxy,
        ..Parameters::default()
    };
    let gateway = ObjectName::new("default", "gateway");
    plan.parameters.insert(gateway, parameters.into());
    let ops = diff(
        &on,
        &compile(&plan, &backends(), NODE, &on).expect("it fits"),
    );
    let key = frontend_key(&tcp(443));
    assert_eq!(ops.first(), Some(&MapOp::PutFrontend(key, by_proxy(NODE))));
    let off = advance(&on, &plan, &backends());
    assert!(off.names.is_empty() && off.services.is_empty() && off.routes.is_empty());
    assert_eq!(proxied(&plan, &off), [], "nothing else was asked for");
    plan.parameters.clear();
    let again = advance(&off, &plan, &backends());
    let Frontend { kind, service, .. } = frontend(&again, 443);
    assert_eq!((kind, service), (KIND_TLS, 2), "groups come back late");
}

#[test]
fn groups_and_services_stay_as_routes_come_and_go() {
    let first = advance(&Tables::default(), &one(&[("a", "a.x")]), &backends());
    let id = service(&first, 443, "a.x");
    let mut more = one(&[("a", "c.x"), ("b", "a.x")]);
    more.frontends.insert(
        tcp(80),
        tls_frontend(vec![tls_listener(
            "*",
            vec![tls_route("a", &["a.x"], &[("a", 1)])],
        )]),
    );
    let second = advance(&first, &more, &backends());
    assert_eq!(frontend(&second, 443).service, 1);
    assert_eq!(frontend(&second, 80).service, 2);
    assert_eq!(service(&second, 443, "c.x"), id, "its route is the same");
    let other = service(&second, 443, "a.x");
    assert!(other != id && other != 0);
    let elsewhere = service(&second, 80, "a.x");
    assert!(![id, other, 0].contains(&elsewhere), "another frontend's");
}

/// The maps do not know which service is whose.
#[test]
fn after_a_start_a_service_is_that_of_one_of_its_names() {
    let plan = one(&[("a", "a.x"), ("b", "*.b.x")]);
    let before = advance(&Tables::default(), &plan, &backends());
    let mut read = before.clone().with_cursors_at_end();
    read.routes.clear();
    let after = advance(&read, &plan, &backends());
    assert_eq!(after, before);
    assert_eq!(after.routes, before.routes);
    let new = advance(&after, &one(&[("a", "a.x"), ("c", "c.x")]), &backends());
    assert!(service(&new, 443, "c.x") > service(&before, 443, "c.b.x"));
    let empty = advance(&read, &Plan::default(), &backends());
    let later = advance(&empty, &plan, &backends());
    assert_eq!(frontend(&later, 443).service, 2, "groups come back late");
}

#[test]
fn weights_and_refused_shares_are_as_of_other_services() {
    let route = tls_route("r", &["a.x"], &[("a", 1), ("!", 1)]);
    let plan = plan(vec![(443, vec![tls_listener("*", vec![route])])]);
    let tables = advance(&Tables::default(), &plan, &backends());
    let found = tables.services[&service(&tables, 443, "a.x")];
    let slots = tables.region_of(&found).expect("a lookup table");
    let refused = slots.iter().filter(|slot| **slot == 0).count();
    assert!((1_009..=1_030).contains(&refused), "{refused} of 2039");
}

#[test]
fn without_a_backend_the_kernel_refuses() {
    let tables = advance(&Tables::default(), &one(&[("gone", "a.x")]), &backends());
    let id = service(&tables, 443, "a.x");
    assert_eq!(tables.services.get(&id).map(|s| s.backends), Some(0));
}

#[test]
fn far_backends_are_reached_by_snat_alone() {
    let mut of = backends();
    let there = "192.0.2.9".parse().expect("an address");
    let nodes = Nodes {
        of: [([10, 0, 0, 1].into(), "there".into())].into(),
        ..Nodes::default()
    };
    of.seen_from(
        "here",
        &nodes,
        &Tunnels::from([("there".into(), [there].into())]),
    );
    let mut plan = one(&[("a", "a.x"), ("b", "b.x")]);
    let parameters = Parameters {
        l4_mode: L4Mode::Dsr,
        ..Parameters::default()
    };
    let gateway = ObjectName::new("default", "gateway");
    plan.parameters.insert(gateway, parameters.into());
    let tables = advance(&Tables::default(), &plan, &of);
    let far: Vec<u32> = tables.backends.values().map(|b| b.far).collect();
    assert_eq!(far, [BY_SNAT, NEAR]);
    assert!(tables.tags.is_empty(), "no other node names them");
}

/// It can take a connection of one family to an endpoint of the other.
#[test]
fn a_route_with_backends_of_the_other_family_is_the_proxys() {
    let six = endpoints(&[
        ("a", &["[2001:db8::1]:443"]),
        ("b", &["10.0.0.2:443", "[2001:db8::2]:443"]),
    ]);
    let plan = one(&[("a", "a.x"), ("b", "b.x")]);
    let four = advance(&Tables::default(), &plan, &backends());
    let tables = advance(&four, &plan, &six);
    assert_eq!(service(&tables, 443, "a.x"), 0);
    assert_eq!(service(&tables, 443, "b.x"), service(&four, 443, "b.x"));
    let id = service(&four, 443, "a.x");
    assert!(tables.services.contains_key(&id), "connections may live on");
    assert_eq!(proxied(&plan, &tables), [], "not for want of room");
    let back = advance(&tables, &plan, &backends());
    assert_eq!(service(&back, 443, "a.x"), id);
}

#[test]
fn what_has_no_room_is_the_proxys_and_told() {
    let names: Vec<String> = (0..SERVICES_MAX).map(|n| format!("r{n}")).collect();
    let routes = names.iter().map(|name| {
        let host = format!("{name}.x");
        tls_route(name, &[&host], &[])
    });
    let mut plan = plan(vec![(443, vec![tls_listener("*", routes.collect())])]);
    // A TCP listener has nobody else to serve it, though its port is higher.
    plan.frontends
        .extend(l4_plan(&[(tcp(9000), &[("a", 1)])]).frontends);
    let tables = compile(&plan, &backends(), NODE, &Tables::default()).expect("it fits");
    assert!(tables.service_of(&frontend_key(&tcp(9000))).is_some());
    let left = proxied(&plan, &tables);
    let [left] = left.as_slice() else {
        panic!("{left:?}");
    };
    assert_eq!(left.routes.len(), 2);
    for route in &left.routes {
        assert_eq!(service(&tables, 443, &format!("{}.x", route.name)), 0);
    }
    let text = left.to_string();
    assert!(
        text.starts_with("Gateway default/gateway: TLSRoute default/r")
            && text.contains(" and 1 more: the proxy passes"),
        "{text}"
    );
}

#[test]
fn a_route_without_room_for_its_table_leaves_nothing_behind() {
    let wide: &[(&str, u32)] = &[("a", 1_000_000), ("b", 1)];
    let names: Vec<String> = (10..75).map(|n| format!("r{n}")).collect();
    let routes = names.iter().map(|name| {
        let host = format!("{name}.x");
        tls_route(name, &[&host], wide)
    });
    let plan = plan(vec![(443, vec![tls_listener("*", routes.collect())])]);
    let tables = compile(&plan, &backends(), NODE, &Tables::default()).expect("it fits");
    let left = proxied(&plan, &tables);
    let routes: Vec<_> = left.iter().flat_map(|l| &l.routes).collect();
    assert_eq!(routes, [&ObjectName::new("default", "r74")]);
    let of_none = |b: &&gateway_common::abi::Backend| !tables.services.contains_key(&b.service);
    assert_eq!(tables.backends.values().filter(of_none).count(), 0);
}

#[test]
fn names_can_run_out() {
    let mut current = Tables::default();
    for n in 0..gateway_common::maps::TLS_NAMES_MAX - 1 {
        let name = crate::plan::HostPattern::Exact(n.to_string().into());
        let key = NameKey::new(7, &name).expect("it is short enough");
        current.names.insert(key, key.leads_to(0));
    }
    let plan = one(&[("a", "a.x")]);
    let tables = compile(&plan, &backends(), NODE, &current).expect("it fits");
    assert_eq!(frontend(&tables, 443), by_proxy(NODE), "it has two names");
    assert_eq!(proxied(&plan, &tables).len(), 1);
    current.names.pop_first();
    let tables = compile(&plan, &backends(), NODE, &current).expect("it fits");
    assert_eq!(frontend(&tables, 443).kind, KIND_TLS);
}

#[test]
fn segments_are_those_of_the_smallest_link() {
    for (mtu, family, expected) in [
        (Some(1500), Family::V4, 1460),
        (Some(1500), Family::V6, 1440),
        (Some(9000), Family::V4, 8960),
        (None, Family::V4, 1460),
        (Some(100), Family::V6, 536),
        (Some(1 << 20), Family::V6, 0xffff),
    ] {
        assert_eq!(segment(mtu, family), expected, "{mtu:?} {family:?}");
    }
    let plan = one(&[("a", "a.x")]);
    let narrow = advance(&Tables::default(), &plan, &backends());
    let wide = Node {
        mtu: Some(1500),
        ..NODE
    };
    let ops = diff(
        &narrow,
        &compile(&plan, &backends(), wide, &narrow).expect("it fits"),
    );
    let wide = Frontend {
        mss: 1460,
        ..frontend(&narrow, 443)
    };
    assert_eq!(ops, [MapOp::PutFrontend(frontend_key(&tcp(443)), wide)]);
}

#[test]
fn backends_that_leave_keep_what_they_have() {
    let plan = one(&[("a", "a.x")]);
    let first = advance(&Tables::default(), &plan, &backends());
    let mut leaving = backends();
    let list = leaving.0.get_mut(&backend("a")).expect("a backend");
    list[0].conditions.ready = false;
    list[0].conditions.terminating = true;
    let second = advance(&first, &plan, &leaving);
    let kept: Vec<_> = second
        .backends
        .values()
        .map(|b| (b.weight, b.draining))
        .collect();
    assert_eq!(kept, [(0, 1)]);
}

#[test]
fn https_listeners_beside_are_as_without() {
    let mut plan = one(&[("a", "a.x")]);
    if let Some(Planned::Http(http)) = plan.frontends.get_mut(&tcp(443)) {
        http.listeners.push(crate::plan::HttpListener {
            name: "https".into(),
            hostname: crate::plan::HostPattern::Exact("b.x".into()),
            tls: Some(crate::plan::Tls {
                certificates: Vec::new(),
                clients: None,
            }),
            routes: Vec::new(),
        });
    }
    let tables = advance(&Tables::default(), &plan, &backends());
    let group = frontend(&tables, 443).service as u16;
    let own = NameKey::asked(group, "b.x").expect("it is short enough");
    assert_eq!(tables.names.get(&own), Some(&own.leads_to(0)));
    assert_ne!(service(&tables, 443, "a.x"), 0);
}
