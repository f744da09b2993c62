//! From objects to the objects that stand for Gateways, and what an API server makes of them.

mod content;
mod schedule;
mod server;

use serde_json::{Value as Json, json};

use self::server::Server;
use super::*;
use crate::{
    addresses::Addressing,
    translate::{Settings, translate},
};

const CLASS: &str = "xdp-gateway.dev/controller";

fn class(controller: &str) -> Json {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "c"},
        "spec": {"controllerName": controller},
    })
}

/// A Gateway of namespace `shop` with two addresses; `uid` orders them by age, too.
fn gateway(name: &str, uid: &str, infrastructure: &Json) -> Json {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name, "namespace": "shop", "uid": uid},
        "spec": {
            "gatewayClassName": "c",
            "addresses": [{"value": "192.0.2.7"}, {"value": "2001:db8::7"}],
            "infrastructure": infrastructure,
            "listeners": [
                {"name": "http", "port": 80, "protocol": "HTTP"},
                {"name": "dns", "port": 53, "protocol": "UDP"},
            ],
        },
    })
}

fn service(name: &str) -> Json {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"ports": [{"port": 80}]},
    })
}

fn wanted(server: &Server) -> Infrastructure {
    let world = server.store.world();
    let settings = Settings {
        addressing: Addressing::standalone(Vec::new()),
        ..Settings::default()
    };
    let translation = translate(world, &settings);
    infrastructure(
        world,
        &translation.plan,
        &translation.statuses,
        server.store.made(),
    )
}

/// Writes until nothing is left to write; `create shop/web-c` and the like, in order.
fn settle(server: &mut Server) -> Vec<String> {
    let mut told = Vec::new();
    for _ in 0..5 {
        let operations = operations(&wanted(server), server.store.made());
        if operations.is_empty() {
            return told;
        }
        for operation in operations {
            told.push(server.take(&operation));
        }
    }
    panic!("it does not end: {told:#?}");
}

/// A server with the class and one Gateway that asks for that.
fn with(infrastructure: &Json) -> Server {
    let mut server = Server::default();
    server.put(class(CLASS));
    server.put(gateway("web", "u1", infrastructure));
    server
}

const MADE: [&str; 3] = [
    "create Service shop/web-c",
    "create EndpointSlice shop/web-c-ipv4",
    "create EndpointSlice shop/web-c-ipv6",
];

#[test]
fn a_gateway_has_a_headless_service_with_its_addresses_and_ports() {
    let mut server = with(&json!({"labels": {"team": "a"}, "annotations": {"note": "x y"}}));
    assert_eq!(settle(&mut server), MADE);
    let service = server.object("Service shop/web-c");
    let metadata = &service["metadata"];
    let labels = json!({
        "team": "a",
        "gateway.networking.k8s.io/gateway-name": "web",
        "gateway.networking.k8s.io/gateway-class-name": "c",
        "xdp-gateway.dev/gateway-uid": "u1",
    });
    assert_eq!(metadata["labels"], labels);
    assert_eq!(metadata["annotations"]["note"], "x y");
    let owner = json!([{
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "name": "web",
        "uid": "u1",
        "controller": true,
    }]);
    assert_eq!(metadata["ownerReferences"], owner);
    let spec = json!({
        "type": "ClusterIP",
        "clusterIP": "None",
        "ports": [
            {"name": "udp-53", "port": 53, "protocol": "UDP", "targetPort": 53},
            {"name": "http-80", "port": 80, "protocol": "TCP", "targetPort": 80},
        ],
    });
    assert_eq!(service["spec"], spec);

    let slice = server.object("EndpointSlice shop/web-c-ipv6");
    assert_eq!(slice["addressType"], "IPv6");
    let endpoints = json!([{"addresses": ["2001:db8::7"], "conditions": {"ready": true}}]);
    assert_eq!(slice["endpoints"], endpoints);
    let ports = json!([
        {"name": "udp-53", "port": 53, "protocol": "UDP"},
        {"name": "http-80", "port": 80, "protocol": "TCP"},
    ]);
    assert_eq!(slice["ports"], ports);
    let labels = &slice["metadata"]["labels"];
    assert_eq!(labels["kubernetes.io/service-name"], "web-c");
    assert_eq!(
        labels["endpointslice.kubernetes.io/managed-by"],
        "xdp-gateway.dev"
    );
    assert_eq!(labels["service.kubernetes.io/headless"], "");
    assert_eq!(labels["team"], "a");
}

#[test]
fn keys_change_and_vanish_and_those_of_others_stay() {
    let mut server = with(&json!({"labels": {"a": "1", "b": "1"}, "annotations": {"n": "1"}}));
    settle(&mut server);
    server.merge(
        "Service shop/web-c",
        &json!({"metadata": {"labels": {"theirs": "x"}, "annotations": {"theirs": "x"}}}),
    );
    assert_eq!(
        settle(&mut server),
        [""; 0],
        "what others add is no difference"
    );

    server.put(gateway("web", "u1", &json!({"labels": {"a": "2"}})));
    let patched: Vec<_> = MADE.iter().map(|s| s.replace("create", "patch")).collect();
    assert_eq!(settle(&mut server), patched);
    let metadata = server.object("Service shop/web-c")["metadata"].clone();
    assert_eq!(metadata["labels"]["a"], "2");
    assert_eq!(metadata["labels"]["b"], Json::Null);
    assert_eq!(metadata["annotations"]["n"], Json::Null);
    assert_eq!(metadata["labels"]["theirs"], "x");
    assert_eq!(metadata["annotations"]["theirs"], "x");
}

#[test]
fn what_somebody_changes_of_ours_comes_back() {
    let mut server = with(&json!({"labels": {"a": "1"}}));
    settle(&mut server);
    for (object, change) in [
        (
            "Service shop/web-c",
            json!({"metadata": {"labels": {"a": null}}}),
        ),
        (
            "Service shop/web-c",
            json!({"spec": {"selector": {"app": "x"}}}),
        ),
        (
            "Service shop/web-c",
            json!({"spec": {"ports": [{"port": 1}]}}),
        ),
        ("EndpointSlice shop/web-c-ipv4", json!({"endpoints": []})),
        ("EndpointSlice shop/web-c-ipv4", json!({"ports": null})),
    ] {
        let before = content(&server, object);
        server.merge(object, &change);
        assert_eq!(settle(&mut server), [format!("patch {object}")], "{change}");
        assert_eq!(content(&server, object), before, "{change}");
    }
    // Whoever spoils what we remember by takes nothing from anybody.
    let applied = json!({"metadata": {"annotations": {"xdp-gateway.dev/applied-keys": "[1"}}});
    server.merge("Service shop/web-c", &applied);
    assert_eq!(settle(&mut server), ["patch Service shop/web-c"]);
}

/// An object without its version.
fn content(server: &Server, object: &str) -> Json {
    let mut content = server.object(object).clone();
    content["metadata"]["resourceVersion"] = Json::Null;
    content
}

#[test]
fn a_service_of_somebody_else_is_left_alone_and_told() {
    let mut server = with(&json!({}));
    server.put(service("web-c"));
    assert_eq!(settle(&mut server), [""; 0]);
    let verdicts = wanted(&server).verdicts;
    let (name, verdicts) = verdicts.first().expect("a verdict");
    assert_eq!(&*name.name, "web");
    let message = verdicts[0].to_string();
    assert!(
        message.starts_with("Service \"shop/web-c\" was not made"),
        "{message}"
    );

    // One of another controller for the same Gateway is somebody else's, too.
    let mut theirs = service("web-c");
    theirs["metadata"]["ownerReferences"] =
        json!([{"kind": "Gateway", "uid": "u1", "controller": true}]);
    server.put(theirs);
    assert_eq!(settle(&mut server), [""; 0]);
    assert_eq!(wanted(&server).verdicts.len(), 1);

    server.delete("Service shop/web-c");
    assert_eq!(settle(&mut server), MADE);
    assert_eq!(wanted(&server).verdicts, []);
}

#[test]
fn a_slice_of_somebody_else_takes_only_its_own_place() {
    let mut server = with(&json!({}));
    server.put(json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "web-c-ipv4", "namespace": "shop"},
        "addressType": "IPv4",
        "endpoints": [],
    }));
    assert_eq!(settle(&mut server), [MADE[0], MADE[2]]);
    let message = wanted(&server).verdicts[0].1[0].to_string();
    assert!(
        message.starts_with("EndpointSlice \"shop/web-c-ipv4\" was not"),
        "{message}"
    );
}

#[test]
fn reserved_keys_are_told_and_not_passed_on() {
    let reserved = json!({
        "labels": {
            "gateway.networking.k8s.io/gateway-name": "other",
            "kubernetes.io/service-name": "other",
            "xdp-gateway.dev/gateway-uid": "other",
            "mine": "x",
        },
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    });
    let mut server = with(&reserved);
    settle(&mut server);
    let service = server.object("Service shop/web-c");
    let labels = &service["metadata"]["labels"];
    assert_eq!(labels["gateway.networking.k8s.io/gateway-name"], "web");
    assert_eq!(labels["xdp-gateway.dev/gateway-uid"], "u1");
    assert_eq!(labels["kubernetes.io/service-name"], Json::Null);
    assert_eq!(labels["mine"], "x");
    let message = wanted(&server).verdicts[0].1[0].to_string();
    let keys = "gateway.networking.k8s.io/gateway-name, \
                kubectl.kubernetes.io/last-applied-configuration, kubernetes.io/service-name, \
                xdp-gateway.dev/gateway-uid";
    assert!(message.contains(keys), "{message}");
}

#[test]
fn what_no_gateway_of_ours_wants_is_deleted() {
    let deleted = [
        "delete EndpointSlice shop/web-c-ipv6",
        "delete EndpointSlice shop/web-c-ipv4",
        "delete Service shop/web-c",
    ];
    let mut server = with(&json!({}));
    settle(&mut server);
    let mut later = wanted(&server);
    server.put(class("example.com/other"));
    assert_eq!(settle(&mut server), deleted);

    server.put(class(CLASS));
    assert_eq!(settle(&mut server), MADE);
    server.delete("Gateway shop/web");
    (later.removals, later.objects) = (false, BTreeMap::new());
    assert_eq!(operations(&later, server.store.made()), [], "not yet");
    assert_eq!(settle(&mut server), deleted);
}

#[test]
fn a_new_gateway_of_the_same_name_gets_objects_of_its_own() {
    let mut server = with(&json!({}));
    settle(&mut server);
    server.put(gateway("web", "u2", &json!({})));
    let done = settle(&mut server);
    assert_eq!(done.len(), 6, "{done:?}");
    assert!(
        done[..3].iter().all(|what| what.starts_with("delete")),
        "{done:?}"
    );
    assert_eq!(done[3..], MADE);
    let service = server.object("Service shop/web-c");
    assert_eq!(service["metadata"]["ownerReferences"][0]["uid"], "u2");
}

#[test]
fn what_is_being_deleted_is_waited_for() {
    let mut server = with(&json!({}));
    settle(&mut server);
    let going =
        json!({"metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z", "labels": {"team": "x"}}});
    server.merge("Service shop/web-c", &going);
    server.put(gateway("web", "u1", &json!({"labels": {"a": "2"}})));
    let patched: Vec<_> = MADE[1..]
        .iter()
        .map(|s| s.replace("create", "patch"))
        .collect();
    assert_eq!(settle(&mut server), patched);
    server.delete("Service shop/web-c");
    assert_eq!(settle(&mut server), [MADE[0]]);
}
