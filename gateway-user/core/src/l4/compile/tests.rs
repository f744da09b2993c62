//! Tables from plans: contents, stable ids, capacity.

use std::net::{Ipv4Addr, SocketAddr};

use super::{
    super::{
        diff::diff,
        testing::{endpoints, plan, tcp},
    },
    *,
};
use crate::{endpoints::Nodes, name::ObjectName, plan::HttpFrontend};

const ONE: &[(&str, u32)] = &[("a", 1)];
const TWO: &[(&str, u32)] = &[("a", 1), ("b", 1)];

fn backends() -> Endpoints {
    endpoints(&[("a", &["10.0.0.1:80"]), ("b", &["10.0.0.2:80"])])
}

/// Compiles and takes into force, as a daemon does.
fn advance(current: &Tables, plan: &Plan, endpoints: &Endpoints) -> Tables {
    let desired = compile(plan, endpoints, 2, current).expect("it fits");
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
    assert_eq!((service.maglev_size, service.backends), (251, 2));
    let slots = tables.region_of(&service).expect("a lookup table");
    for (backend, value) in tables.backends_of(id) {
        let share = slots.iter().filter(|slot| **slot == backend).count();
        assert!((120..=131).contains(&share), "{share} of 251");
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
    let too_many = compile(&plan, &Endpoints::default(), 257, &tables);
    assert_eq!(too_many.err(), Some(CapacityError::Workers(257)));
}

#[test]
fn the_refused_share_is_slot_value_zero() {
    let half = plan(&[(tcp(80), &[("a", 1), ("!", 1)])]);
    let tables = advance(&Tables::default(), &half, &backends());
    let (_, service) = service_of(&tables, 80);
    let slots = tables.region_of(&service).expect("a lookup table");
    let refused = slots.iter().filter(|slot| **slot == 0).count();
    assert!((120..=131).contains(&refused), "{refused} of 251");
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
    let nodes = Nodes(nodes.into());
    let far = |of: &Endpoints| {
        let tables = advance(&Tables::default(), &plan(&[(tcp(80), TWO)]), of);
        let all = tables.backends.values().map(|b| (b.address.into(), b.far));
        all.collect::<BTreeMap<IpAddr, u32>>()
    };
    let ip = |last| IpAddr::from([10, 0, 0, last]);
    assert_eq!(far(&of), [(ip(1), 0), (ip(2), 0)].into(), "of no node");
    of.seen_from("here", &nodes);
    assert_eq!(far(&of), [(ip(1), 0), (ip(2), 1)].into());
    of.seen_from("", &nodes);
    assert_eq!(
        far(&of),
        [(ip(1), 0), (ip(2), 0)].into(),
        "this node unknown"
    );
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
    let again = compile(&both, &backends(), 2, &second).expect("it fits");
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
    assert!(new_id > id && new_service.maglev_offset >= service.maglev_offset + 251);
    assert!(second.backends.keys().all(|id| *id > backend));
}

#[test]
fn too_many_services_are_refused_whole() {
    let ids: Vec<_> = (1..=SERVICES_MAX)
        .map(|port| (tcp(port as u16), ONE))
        .collect();
    let fits = plan(&ids[1..]);
    let full = compile(&fits, &backends(), 1, &Tables::default()).expect("one less fits");
    assert_eq!(full.services.len(), SERVICES_MAX as usize - 1);
    let error = compile(&plan(&ids), &backends(), 1, &Tables::default()).err();
    assert_eq!(error, Some(CapacityError::Services));
}

#[test]
fn lookup_tables_can_run_out() {
    let wide: &[(&str, u32)] = &[("a", 1_000_000), ("b", 1)];
    let ids: Vec<_> = (1..=17).map(|port| (tcp(port), wide)).collect();
    let error = compile(&plan(&ids), &backends(), 1, &Tables::default()).err();
    assert_eq!(error, Some(CapacityError::Slots));
}
