//! More names and routes than fit where each service has a wide lookup table.

use super::*;

/// Host names of a route: the most that the API allows.
const EACH: u32 = 16;

fn host(n: u32) -> String {
    format!("name-{n}.x")
}

/// Routes with [`EACH`] names; those of the odd ones lead to `odd`.
fn many(routes: u32, odd: &[(&str, u32)]) -> Plan {
    let routes = (0..routes).map(|route| {
        let hosts: Vec<_> = (route * EACH..(route + 1) * EACH).map(host).collect();
        let hosts: Vec<_> = hosts.iter().map(String::as_str).collect();
        let backends: &[_] = if route % 2 == 1 { odd } else { &[("a", 1)] };
        tls_route(&format!("r{route}"), &hosts, backends)
    });
    plan(vec![(443, vec![tls_listener("*", routes.collect())])])
}

/// Backends that a name leads to, each in one slot of its own; `None`: the proxy.
fn alone(tables: &Tables, name: u32) -> Option<u32> {
    let service = service(tables, 443, &host(name));
    let service = tables.services.get(&service)?;
    let slots = tables.region_of(service).expect("a lookup table");
    let [backend] = **slots else {
        panic!("{} slots", slots.len());
    };
    assert_eq!((service.maglev_size, service.backends), (1, 1));
    Some(backend)
}

#[test]
fn a_hundred_thousand_names_fit() {
    let routes = 6_250;
    let plan = many(routes, &[("b", 1)]);
    let tables = advance(&Tables::default(), &plan, &backends());
    assert_eq!(proxied(&plan, &tables), []);
    assert_eq!(tables.names.len() as u32, routes * EACH + 1);
    assert_eq!(tables.usage().maglev_slots as u32, routes);
    for (name, last) in [(0, 1), (15, 1), (16, 2), (50_000, 2), (99_999, 2)] {
        let backend = tables.backends[&alone(&tables, name).expect("a service")];
        let address = std::net::IpAddr::from([10, 0, 0, last]).into();
        assert_eq!((backend.address, backend.port), (address, 443), "{name}");
    }

    // One route changes, and nothing else does.
    let mut other = plan;
    if let Some(Planned::Http(http)) = other.frontends.get_mut(&tcp(443)) {
        http.tls[0].routes[700] = tls_route("r700", &["new.x"], &[("b", 1)]);
    }
    let after = advance(&tables, &other, &backends());
    let changed = diff(&tables, &after);
    // The name comes, the old ones go, and so do the endpoint and the content of the table.
    assert!(changed.len() <= 1 + 16 + 4, "{}", changed.len());
    let id = |tables: &Tables, name: &str| service(tables, 443, name);
    assert_eq!(id(&after, "new.x"), id(&tables, &host(700 * EACH)));
    assert_eq!(id(&after, &host(700 * EACH)), TLS_NOBODY);
}

#[test]
fn there_is_room_for_nearly_all_names_that_the_trie_takes() {
    let plan = many(SERVICES_MAX - 1, &[("b", 1)]);
    let tables = compile(&plan, &backends(), NODE, &Tables::default()).expect("it fits");
    assert_eq!(proxied(&plan, &tables), []);
    let most = gateway_common::maps::TLS_NAMES_MAX as usize;
    assert_eq!(tables.names.len().div_ceil(EACH as usize) * 16, most);
}

#[test]
fn one_backend_alone_takes_one_slot_and_two_a_table() {
    let one = advance(&Tables::default(), &many(1, &[]), &backends());
    let before = alone(&one, 0);
    let both = plan(vec![(
        443,
        vec![tls_listener(
            "*",
            vec![tls_route("r0", &[&host(0)], &[("a", 1), ("b", 1)])],
        )],
    )]);
    let two = advance(&one, &both, &backends());
    let service = two.services[&service(&two, 443, &host(0))];
    assert_eq!((service.maglev_size, service.backends), (2_039, 2));
    let again = advance(&two, &many(1, &[]), &backends());
    assert_eq!(alone(&again, 0), before, "the backend keeps its id");
}

/// Those with several endpoints get none, and those with one are not held up by them.
#[test]
fn without_room_for_more_lookup_tables_those_of_one_slot_go_on() {
    let routes = 4_120;
    let plan = many(routes, &[("a", 1), ("b", 1)]);
    let tables = advance(&Tables::default(), &plan, &backends());
    let room = (gateway_common::maps::MAGLEV_SLOTS - routes / 2) / 2_039;
    let [left] = &proxied(&plan, &tables)[..] else {
        panic!("one Gateway");
    };
    let wide = routes / 2 - left.routes.len() as u32;
    assert_eq!(wide, room);
    for route in (0..routes).step_by(2) {
        assert!(alone(&tables, route * EACH).is_some(), "{route}");
    }
    let of_none = |b: &&gateway_common::abi::Backend| !tables.services.contains_key(&b.service);
    assert_eq!(tables.backends.values().filter(of_none).count(), 0);
    let again = advance(&tables, &plan, &backends());
    assert_eq!(diff(&tables, &again), [], "what is in force stays");
}

#[test]
fn what_backends_have_no_room_for_is_the_proxys() {
    const ENDPOINTS: u32 = 5_000;
    let names = (0..ENDPOINTS).map(|n| format!("10.1.{}.{}:443", n / 250, n % 250));
    let names: Vec<String> = names.collect();
    let addresses: Vec<&str> = names.iter().map(String::as_str).collect();
    let endpoints = endpoints(&[("a", &["10.0.0.1:443"]), ("b", &addresses)]);
    let room = gateway_common::maps::BACKENDS_MAX / ENDPOINTS;
    let plan = many(2 * (room + 2), &[("b", 1)]);
    let tables = compile(&plan, &endpoints, NODE, &Tables::default()).expect("it fits");
    let left = proxied(&plan, &tables);
    let left: usize = left.iter().map(|left| left.routes.len()).sum();
    assert_eq!(left, 2);
    for route in 0..room + 2 {
        let id = service(&tables, 443, &host(2 * route * EACH));
        assert!(tables.services.contains_key(&id), "{route}");
    }
}
