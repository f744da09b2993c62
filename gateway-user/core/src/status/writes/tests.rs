//! From the objects of a cluster to the writes it needs.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::{
    translate::{CONTROLLER_NAME, Settings, translate},
    world::FileSet,
};

const NOW: &str = "2030-01-01T00:00:00Z";
const OBJECTS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ours, generation: 1}
spec: {controllerName: xdp-gateway.dev/controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: theirs, generation: 1}
spec: {controllerName: example.com/other}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, generation: 3}
spec:
  gatewayClassName: ours
  addresses: [{value: 10.0.0.1}]
  listeners: [{name: tcp, port: 90, protocol: TCP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: other, generation: 3}
spec: {gatewayClassName: theirs, listeners: [{name: tcp, port: 90, protocol: TCP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {name: app, generation: 5}
spec:
  parentRefs: [{name: web, sectionName: tcp}, {name: other}]
  rules: [{backendRefs: [{name: missing, port: 90}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {name: elsewhere, generation: 2}
spec:
  parentRefs: [{name: other}]
  rules: [{backendRefs: [{name: missing, port: 90}]}]
";

fn statuses(objects: &str) -> Statuses {
    let mut files = FileSet::default();
    let problems = files.update("objects.yaml", Some(objects));
    assert!(problems.is_empty(), "{problems:?}");
    translate(&files.world(), &Settings::default()).statuses
}

/// A cluster where every object has that status.
fn cluster(status: &Json) -> LiveStatuses {
    let names = [
        (Kind::GatewayClass, "", "ours", 1),
        (Kind::GatewayClass, "", "theirs", 1),
        (Kind::Gateway, "default", "web", 3),
        (Kind::Gateway, "default", "other", 3),
        (Kind::TcpRoute, "default", "app", 5),
        (Kind::TcpRoute, "default", "elsewhere", 2),
    ];
    let entries = names.map(|(kind, namespace, name, generation)| {
        let live = Live {
            api_version: "gateway.networking.k8s.io/v1".into(),
            uid: format!("uid-{name}"),
            resource_version: "7".into(),
            generation,
            status: status.clone(),
        };
        ((kind, ObjectName::new(namespace, name)), Arc::new(live))
    });
    entries.into()
}

fn needed(statuses: &Statuses, live: &LiveStatuses) -> Vec<Write> {
    let author = Author {
        controller: CONTROLLER_NAME,
        now: NOW,
    };
    writes(statuses, live, author, |_| false)
}

/// What the API server does with them.
fn apply(live: &mut LiveStatuses, writes: Vec<Write>) {
    for write in writes {
        let live = Arc::make_mut(live.get_mut(&write.key()).expect("exists"));
        assert_eq!(live.resource_version, write.resource_version);
        live.resource_version = format!("{}1", live.resource_version);
        for (field, value) in write.status.as_object().expect("fields") {
            match value {
                Json::Null => drop(live.status.as_object_mut().expect("status").remove(field)),
                value => live.status[field] = value.clone(),
            }
        }
    }
}

fn names(writes: &[Write]) -> Vec<String> {
    writes
        .iter()
        .map(|w| format!("{} {}", w.kind, w.name.name))
        .collect()
}

#[test]
fn what_is_ours_is_written_once() {
    let statuses = statuses(OBJECTS);
    for status in [Json::Null, json!({"theirs": 1})] {
        let mut live = cluster(&status);
        let first = needed(&statuses, &live);
        let expected = ["GatewayClass ours", "Gateway web", "TCPRoute app"];
        assert_eq!(names(&first), expected);
        apply(&mut live, first);
        assert_eq!(needed(&statuses, &live), []);
        let web = &live[&(Kind::Gateway, ObjectName::new("default", "web"))].status;
        assert_eq!(web["addresses"][0]["value"], "10.0.0.1");
        assert_eq!(web.get("theirs"), status.get("theirs"));
        let conditions = web["conditions"].as_array().expect("conditions");
        assert!(conditions.iter().all(|c| c["observedGeneration"] == 3));
    }
}

#[test]
fn a_write_names_the_version_it_was_made_from() {
    let live = cluster(&Json::Null);
    let write = &needed(&statuses(OBJECTS), &live)[2];
    assert_eq!(write.body()["metadata"], json!({"resourceVersion": "7"}));
    assert_eq!(write.body()["status"], write.status);
    assert_eq!(write.uid, "uid-app");
    let parents = write.status["parents"].as_array().expect("parents");
    assert_eq!(parents.len(), 1, "not that of another controller's Gateway");
    let told: Vec<_> = write.notices.iter().map(|n| n.reason.as_str()).collect();
    assert_eq!(told, ["BackendNotFound"]);
}

#[test]
fn only_what_differs_is_written() {
    let mut statuses = statuses(OBJECTS);
    let mut live = cluster(&Json::Null);
    let first = needed(&statuses, &live);
    apply(&mut live, first);
    statuses.gateways[1].status.listeners[0].attached_routes = 9;
    let writes = needed(&statuses, &live);
    assert_eq!(names(&writes), ["Gateway web"]);
    let fields: Vec<_> = writes[0]
        .status
        .as_object()
        .expect("fields")
        .keys()
        .collect();
    assert_eq!(fields, ["listeners"]);
    assert_eq!(writes[0].notices, []);
}

#[test]
fn stale_entries_of_ours_go_from_routes_without_a_parent_of_ours() {
    let theirs = json!({"parentRef": {"name": "other"}, "controllerName": "example.com/other",
                        "conditions": [{"type": "Accepted"}]});
    let ours = json!({"parentRef": {"name": "web"}, "controllerName": CONTROLLER_NAME,
                      "conditions": [{"type": "Accepted"}]});
    let statuses = statuses(OBJECTS);
    let mut live = cluster(&json!({"parents": [theirs]}));
    let untouched = needed(&statuses, &live);
    assert!(!names(&untouched).contains(&"TCPRoute elsewhere".to_owned()));

    live.extend(cluster(&json!({"parents": [ours, theirs]})));
    let writes = needed(&statuses, &live);
    let elsewhere = writes.iter().find(|w| &*w.name.name == "elsewhere");
    let elsewhere = elsewhere.expect("a write");
    assert_eq!(elsewhere.status, json!({"parents": [theirs]}));
    let app = writes.iter().find(|w| &*w.name.name == "app");
    let app = &app.expect("a write").status["parents"];
    assert_eq!(
        (&app[0], &app[1]["controllerName"]),
        (&theirs, &json!(CONTROLLER_NAME))
    );
}

#[test]
fn a_gateway_that_is_not_ours_any_more_is_withdrawn_if_nobody_else_took_it() {
    let before = statuses(OBJECTS);
    let mut live = cluster(&Json::Null);
    let first = needed(&before, &live);
    apply(&mut live, first);
    let moved = OBJECTS.replace("gatewayClassName: ours", "gatewayClassName: theirs");
    let after = statuses(&moved);
    assert!(!names(&needed(&after, &live)).contains(&"Gateway web".to_owned()));

    let author = Author {
        controller: CONTROLLER_NAME,
        now: NOW,
    };
    let withdrawn = writes(&after, &live, author, |live| live.uid == "uid-web");
    let write = withdrawn.iter().find(|w| w.kind == Kind::Gateway);
    let write = write.expect("a write");
    assert!(write.withdrawal);
    assert_eq!(write.status["addresses"], json!([]));
    assert_eq!(write.status["listeners"], json!([]));
    let conditions = write.status["conditions"].as_array().expect("conditions");
    assert!(
        conditions.iter().all(|c| c["status"] == "Unknown"),
        "{conditions:?}"
    );
}

#[test]
fn an_object_that_the_api_server_does_not_have_is_not_written() {
    assert_eq!(needed(&statuses(OBJECTS), &LiveStatuses::new()), []);
}
