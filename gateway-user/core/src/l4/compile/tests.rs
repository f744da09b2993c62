//! Tables from plans: contents, stable ids, capacity.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{
    super::{
        diff::diff,
        testing::{endpoints, plan, tcp},
    },
    *,
};
use gateway_common::abi::{BY_DSR, BY_SNAT, KIND_PROXY, NEAR, Service};

use crate::{
    endpoints::{Nodes, Tunnels},
    name::ObjectName,
    plan::{HttpFrontend, L4Mode, Parameters},
};

const ONE: &[(&str, u32)] = &[("a", 1)];
const TWO: &[(&str, u32)] = &[("a", 1), ("b", 1)];

fn backends() -> Endpoints {
    endpoints(&[("a", &["10.0.0.1:80"]), ("b", &["10.0.0.2:80"])])
}

/// Compiles and takes into force, as a daemon does.
fn advance(current: &Tables, plan: &Plan, endpoints: &Endpoints) -> Tables {
    let desired = compile(plan, endpoints, Node::new(2), current).expect("it fits");
    let mut next = current.clone();
    diff(current, &desired).iter().for_each(|op| next.apply(op));
    assert_eq!(next, desired);
    next
}

fn service_of(tables: &Tables, port: u16) -> (u32, Service) {
    let id = tables
        .service_of(&frontend_key(&tcp(port)))
        .expect("an L4 frontend");
    (id, tables.services[&id])
}

#[test]
fn a_frontend_leads_to_its_backends() {
    let tables = advance(&Tables::default(), &plan(&[(tcp(80), TWO)]), &backends());
    let (id, service) = service_of(&tables, 80);
    assert_eq!((service.maglev_size, service.backends), (2_039, 2));
    let slots = tables.region_of(&service).expect("a lookup table");
    for (backend, value) in tables.backends_of(id) {
        let share = slots.iter().filter(|slot| **slot == backend).count();
        assert!((1_009..=1_030).contains(&share), "{share} of 2039");
        assert_eq!((value.port, value.weight), (80, 1));
    }
    assert_eq!(tables.backends_of(id).count(), 2);
}

#[test]
fn http_frontends_go_to_the_workers() {
    let frontend = plan::Frontend::Http(HttpFrontend {
        gateway: ObjectName::new("default", "gateway"),
        listeners: Vec::new(),
        tls: Vec::new(),
    });
    let plan = Plan {
        frontends: BTreeMap::from([(tcp(80), frontend)]),
        ..Plan::default()
    };
    let tables = advance(&Tables::default(), &plan, &Endpoints::default());
    let expected = Frontend {
        kind: KIND_PROXY,
        workers: 2,
        ..Frontend::default()
    };
    assert_eq!(tables.frontends[&frontend_key(&tcp(80))], expected);
    let too_many = compile(&plan, &Endpoints::default(), Node::new(257), &tables);
    assert_eq!(too_many.err(), Some(CapacityError::Workers(257)));
}

#[test]
fn the_refused_share_is_slot_value_zero() {
    let half = plan(&[(tcp(80), &[("a", 1), ("!", 1)])]);
    let tables = advance(&Tables::default(), &half, &backends());
    let (_, service) = service_of(&tables, 80);
    let slots = tables.region_of(&service).expect("a lookup table");
    let refused = slots.iter().filter(|slot| **slot == 0).count();
    assert!((1_009..=1_030).contains(&refused), "{refused} of 2039");
    assert_eq!(service.backends, 1);
    assert!(!tables.backends.contains_key(&0));
}

#[test]
fn without_backends_there_is_no_lookup_table() {
    for none in [&[][..], &[("!", 1)], &[("a", 0)], &[("gone", 1)]] {
        let tables = advance(&Tables::default(), &plan(&[(tcp(80), none)]), &backends());
        let (_, service) = service_of(&tables, 80);
        assert_eq!(service, Service::default());
        assert_eq!((tables.regions.len(), tables.backends.len()), (0, 0));
    }
}

#[test]
fn a_listener_has_the_endpoints_of_its_family() {
    let mut id = tcp(80);
    id.address = SocketAddr::new("2001:db8::1".parse().expect("an address"), 80);
    let of = endpoints(&[("a", &["10.0.0.1:80", "[2001:db8::9]:8080"])]);
    let tables = advance(&Tables::default(), &plan(&[(id, ONE), (tcp(80), ONE)]), &of);
    let service = |id: &FrontendId| tables.service_of(&frontend_key(id)).expect("a service");
    let backends = |id: &FrontendId| {
        let all = tables.backends_of(service(id));
        all.map(|(_, b)| (IpAddr::from(b.address), b.port))
            .collect::<Vec<_>>()
    };
    let v6: IpAddr = "2001:db8::9".parse().expect("an address");
    assert_eq!(backends(&id), [(v6, 8080)]);
    assert_eq!(
        backends(&tcp(80)),
        [(Ipv4Addr::new(10, 0, 0, 1).into(), 80)]
    );
}

#[test]
fn backends_on_other_nodes_are_far() {
    let mut of = backends();
    let nodes = [("10.0.0.1", "here"), ("10.0.0.2", "there")];
    let nodes = nodes.map(|(ip, node)| (ip.parse().expect("an address"), node.into()));
    let nodes = Nodes {
        of: nodes.into(),
        ..Nodes::default()
    };
    let far = |of: &Endpoints| {
        let tables = advance(&Tables::default(), &plan(&[(tcp(80), TWO)]), of);
        let all = tables.backends.values().map(|b| (b.address.into(), b.far));
        all.collect::<BTreeMap<IpAddr, u32>>()
    };
    let ip = |last| IpAddr::from([10, 0, 0, last]);
    assert_eq!(far(&of), [(ip(1), 0), (ip(2), 0)].into(), "of no node");
    of.seen_from("here", &nodes, &Tunnels::new());
    assert_eq!(far(&of), [(ip(1), 0), (ip(2), 1)].into());
    of.seen_from("", &nodes, &Tunnels::new());
    assert_eq!(
        far(&of),
        [(ip(1), 0), (ip(2), 0)].into(),
        "this node unknown"
    );
}

/// Of the Gateway whose parameters say so; the other node is named in its backend's entry, this
/// node's backend by its tag.
#[test]
fn dsr_names_the_other_node_and_tags_what_is_here() {
    let (mut of, mut plan) = (backends(), plan(&[(tcp(80), TWO)]));
    let nodes = [("10.0.0.1", "here"), ("10.0.0.2", "there")];
    let nodes = nodes.map(|(ip, node)| (ip.parse().expect("an address"), node.into()));
    let there = [IpAddr::from([192, 0, 2, 9])];
    let tunnels = Tunnels::from([("there".into(), there.into())]);
    let nodes = Nodes {
        of: nodes.into(),
        ..Nodes::default()
    };
    of.seen_from("here", &nodes, &tunnels);
    let by_snat = advance(&Tables::default(), &plan, &of);
    let parameters = Parameters {
        l4_mode: L4Mode::Dsr,
        ..Parameters::default()
    };
    let gateway = ObjectName::new("default", "gateway");
    plan.parameters.insert(gateway, parameters.into());
    let by_dsr = advance(&by_snat, &plan, &of);
    let way = |tables: &Tables, last| {
        let address = IpAddr::from([10, 0, 0, last]).into();
        let found = tables.backends.values().find(|b| b.address == address);
        let backend = found.expect("a backend");
        (backend.far, backend.node)
    };
    assert_eq!(way(&by_snat, 2), (BY_SNAT, Addr::default()));
    assert_eq!(way(&by_dsr, 2), (BY_DSR, there[0].into()));
    assert_eq!(way(&by_dsr, 1), (NEAR, Addr::default()));
    assert_eq!(
        by_dsr.tags, by_snat.tags,
        "either mode takes what others send"
    );
    let tags: Vec<_> = by_dsr.tags.iter().collect();
    let [(key, id)] = tags[..] else {
        panic!("{tags:?}");
    };
    let near = &by_dsr.backends[id];
    assert_eq!(
        (near.far, near.service, near.tag),
        (NEAR, key.service, key.tag)
    );
    let gone = advance(&by_dsr, &Plan::default(), &of);
    assert!(gone.tags.is_empty());
}

#[test]
fn what_stays_keeps_its_ids_and_slots() {
    let first = advance(
        &Tables::default(),
        &plan(&[(tcp(80), ONE), (tcp(81), ONE)]),
        &backends(),
    );
    let both = plan(&[(tcp(79), ONE), (tcp(81), TWO), (tcp(80), ONE)]);
    let second = advance(&first, &both, &backends());
    assert_eq!(service_of(&first, 80), service_of(&second, 80));
    let ((old, before), (new, after)) = (service_of(&first, 81), service_of(&second, 81));
    assert_eq!(old, new);
    assert_ne!(
        before.maglev_offset, after.maglev_offset,
        "new content, new slots"
    );
    for (id, value) in &first.backends {
        assert_eq!(second.backends.get(id), Some(value));
    }
    let again = compile(&both, &backends(), Node::new(2), &second).expect("it fits");
    assert_eq!(diff(&second, &again), []);
}

#[test]
fn freed_ids_and_slots_come_back_late() {
    let with = plan(&[(tcp(80), ONE)]);
    let first = advance(&Tables::default(), &with, &backends());
    let (id, service) = service_of(&first, 80);
    let backend = first.backends.keys().copied().max().expect("a backend");
    let empty = advance(&first, &Plan::default(), &backends());
    let second = advance(&empty, &with, &backends());
    let (new_id, new_service) = service_of(&second, 80);
    assert!(new_id > id && new_service.maglev_offset > service.maglev_offset);
    assert!(second.backends.keys().all(|id| *id > backend));
}

#[test]
fn too_many_services_are_refused_whole() {
    let ids: Vec<_> = (1..=SERVICES_MAX)
        .map(|port| (tcp(port as u16), ONE))
        .collect();
    let fits = plan(&ids[1..]);
    let full =
        compile(&fits, &backends(), Node::new(1), &Tables::default()).expect("one less fits");
    assert_eq!(full.services.len(), SERVICES_MAX as usize - 1);
    let error = compile(&plan(&ids), &backends(), Node::new(1), &Tables::default()).err();
    assert_eq!(error, Some(CapacityError::Services));
}

#[test]
fn lookup_tables_can_run_out() {
    let wide: &[(&str, u32)] = &[("a", 1_000_000), ("b", 1)];
    let ids: Vec<_> = (1..=65).map(|port| (tcp(port), wide)).collect();
    let error = compile(&plan(&ids), &backends(), Node::new(1), &Tables::default()).err();
    assert_eq!(error, Some(CapacityError::Slots));
}

/// `(weight, draining)` of the backend at this address.
fn standing(tables: &Tables, address: &str) -> Option<(u32, u32)> {
    let to: SocketAddr = address.parse().expect("an address and port");
    let found = tables.backends.values();
    let mut found = found.filter(|b| b.address == to.ip().into());
    found.next().map(|b| (b.weight, b.draining))
}

#[test]
fn listed_endpoints_that_get_no_new_flows_keep_their_entry() {
    let both = endpoints(&[("a", &["10.0.0.1:80", "10.0.0.2:80"])]);
    // Conditions of the second endpoint, and what remains of it for TCP and for UDP.
    for (ready, serving, terminating, tcp_keeps, udp_keeps) in [
        (false, true, true, Some((0, 1)), Some((0, 1))),
        (false, false, true, Some((0, 1)), None),
        (false, true, false, Some((0, 0)), None),
        (true, true, false, Some((1, 0)), Some((1, 0))),
    ] {
        for (transport, expected) in [(Transport::Tcp, tcp_keeps), (Transport::Udp, udp_keeps)] {
            let frontend = FrontendId {
                transport,
                ..tcp(80)
            };
            let plan = plan(&[(frontend, ONE)]);
            let first = advance(&Tables::default(), &plan, &both);
            let mut changed = both.clone();
            for list in changed.0.values_mut() {
                list[1].conditions = crate::endpoints::Conditions {
                    ready,
                    serving,
                    terminating,
                };
            }
            let after = advance(&first, &plan, &changed);
            let context = format!("{transport:?} {ready} {serving} {terminating}");
            assert_eq!(standing(&after, "10.0.0.2:80"), expected, "{context}");
            assert_eq!(standing(&after, "10.0.0.1:80"), Some((1, 0)), "{context}");
            let fresh = advance(&Tables::default(), &plan, &changed);
            let never_served = standing(&fresh, "10.0.0.2:80");
            assert_eq!(never_served.is_some(), ready, "{context}: it has no flows");
        }
    }
}

#[test]
fn an_address_of_two_references_drains_when_both_leave() {
    let plan = |first, second| plan(&[(tcp(80), &[("a", first), ("b", second)])]);
    let same = endpoints(&[("a", &["10.0.0.1:80"]), ("b", &["10.0.0.1:80"])]);
    let tables = advance(&Tables::default(), &plan(1, 1), &same);
    assert_eq!(standing(&tables, "10.0.0.1:80"), Some((1, 0)));
    let tables = advance(&tables, &plan(0, 1), &same);
    assert_eq!(standing(&tables, "10.0.0.1:80"), Some((1, 0)));
    let tables = advance(&tables, &plan(0, 0), &same);
    assert_eq!(standing(&tables, "10.0.0.1:80"), Some((0, 1)));
}

#[test]
fn endpoints_that_are_passed_over_keep_what_they_have() {
    let both = endpoints(&[("a", &["10.0.0.1:80", "10.0.0.2:80"])]);
    let frontend = FrontendId {
        transport: Transport::Udp,
        ..tcp(80)
    };
    let plan = plan(&[(frontend, ONE)]);
    let tables = advance(&Tables::default(), &plan, &both);
    let mut nearer = both;
    for list in nearer.0.values_mut() {
        list[1].spare = true;
    }
    let tables = advance(&tables, &plan, &nearer);
    assert_eq!(standing(&tables, "10.0.0.2:80"), Some((0, 0)));
    assert_eq!(standing(&tables, "10.0.0.1:80"), Some((1, 0)));
}

#[test]
fn options_of_the_listener_reach_its_entries() {
    let mut plan = plan(&[(tcp(80), ONE)]);
    for frontend in plan.frontends.values_mut() {
        if let plan::Frontend::L4(service) = frontend {
            service.options.silent = true;
            service.options.by_client = true;
        }
    }
    let tables = advance(&Tables::default(), &plan, &backends());
    let (_, service) = service_of(&tables, 80);
    assert_eq!(service.affinity, 1);
    assert_eq!(tables.frontends[&frontend_key(&tcp(80))].silent, 1);
}
