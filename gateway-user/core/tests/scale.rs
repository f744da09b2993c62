//! Work grows with the number of objects, not with its square, also when every reference dangles.

#![allow(
    clippy::disallowed_methods,
    reason = "the core is pure, its tests take the time"
)]

use std::time::{Duration, Instant};

use gateway_core::{
    api::Service,
    status::endpoint_verdicts,
    translate::{CONTROLLER_NAME, Settings, translate},
    world::{Item, World},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value, json};

const OBJECTS: usize = 5_000;

/// What translation takes in a debug build on one slow core is a tenth of this; anything
/// quadratic takes minutes.
const LIMIT: Duration = Duration::from_secs(20);

fn object<T: DeserializeOwned>(namespace: &str, name: &str, spec: &Value) -> T {
    let metadata = json!({"name": name, "namespace": namespace});
    from_value(json!({"metadata": metadata, "spec": spec})).expect("an object")
}

/// Routes that are served by one Gateway, and refer to others and to Services that do not exist or
/// must not be used, among as many that do.
fn dangling() -> World {
    let route = |n: usize| {
        let parents = json!([{"name": "served"}, {"name": format!("gone-{n}")},
                             {"name": format!("gw-{n}")}]);
        let backends = json!([{"name": format!("svc-{n}x"), "port": 80},
                              {"name": format!("svc-{n}"), "namespace": "other", "port": 80}]);
        let spec = json!({"parentRefs": parents, "rules": [{"backendRefs": backends}]});
        Item::HttpRoute(object("default", &format!("r-{n}"), &spec))
    };
    let service = |n: usize| {
        let mut service = Service::default();
        service.meta.namespace = "default".into();
        service.meta.name = format!("svc-{n}").into();
        Item::Service(service)
    };
    let grant = |n: usize| {
        let from = json!([{"group": "", "kind": "Other", "namespace": "default"}]);
        let spec = json!({"from": from, "to": [{"group": "", "kind": "Service"}]});
        Item::ReferenceGrant(object(&format!("team-{n}"), "grant", &spec))
    };
    let items = (0..OBJECTS).flat_map(|n| {
        let other = gateway(&format!("gw-{n}"), "none");
        [route(n), service(n), grant(n), other]
    });
    let class = json!({"controllerName": CONTROLLER_NAME});
    let class = Item::GatewayClass(object("", "ours", &class));
    let served = gateway("served", "ours");
    items.chain([class, served]).collect()
}

fn gateway(name: &str, class: &str) -> Item {
    let listeners = json!([{"name": "http", "port": 80, "protocol": "HTTP"}]);
    let addresses = json!([{"value": "192.0.2.1"}]);
    let spec = json!({"gatewayClassName": class, "listeners": listeners, "addresses": addresses});
    Item::Gateway(object("default", name, &spec))
}

#[test]
fn dangling_references_cost_no_more_than_they_have_to() {
    let world = dangling();
    let start = Instant::now();
    let mut translation = translate(&world, &Settings::default());
    let endpoints = world.endpoints(translation.plan.backend_ids().into_iter());
    endpoint_verdicts(&translation.plan, &endpoints, &mut translation.statuses);
    let took = start.elapsed();
    let gateways = &translation.statuses.gateways;
    let served = gateways.iter().find(|g| *g.name == *"served");
    let attached = served.map(|g| g.status.listeners[0].attached_routes);
    assert_eq!(attached, Some(OBJECTS));
    assert!(took < LIMIT, "{took:?}");
}
