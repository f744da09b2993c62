//! Statuses as the API server and the tools see them.

use serde_json::json;

use super::*;
use crate::{
    endpoints::Endpoints,
    translate::{Settings, Translation, translate},
    world::FileSet,
};

const OBJECTS: &str = r#"
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: xdp}
spec: {controllerName: xdp-gateway.dev/controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, generation: 3}
spec:
  gatewayClassName: xdp
  addresses: [{value: 10.0.0.1}]
  listeners:
  - {name: tcp, port: 90, protocol: TCP}
  - {name: sctp, port: 443, protocol: example.com/sctp}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {name: app, generation: 5}
spec:
  parentRefs: [{name: web, sectionName: tcp}, {name: other}]
  rules: [{backendRefs: [{name: app, port: 90}]}]
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {ports: [{port: 90}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: app-1, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
ports: [{port: 90}]
endpoints: [{addresses: [10.1.0.1]}]
"#;

fn translated() -> (FileSet, Translation) {
    let mut files = FileSet::default();
    let problems = files.update("objects.yaml", Some(OBJECTS));
    assert!(problems.is_empty(), "{problems:?}");
    let translation = translate(&files.world(), &Settings::default());
    (files, translation)
}

fn truth(conditions: &[Condition], kind: ConditionType) -> Option<Truth> {
    find(conditions, kind).map(|c| c.status)
}

#[test]
fn the_shape_is_that_of_the_api() {
    let (_, Translation { statuses, .. }) = translated();
    let gateway = serde_json::to_value(&statuses.gateways[0].status).expect("JSON");
    assert_eq!(
        gateway["addresses"],
        json!([{"type": "IPAddress", "value": "10.0.0.1"}])
    );
    let listener = &gateway["listeners"][0];
    let kinds = json!([{"group": "gateway.networking.k8s.io", "kind": "TCPRoute"}]);
    assert_eq!(listener["supportedKinds"], kinds);
    assert_eq!(listener["attachedRoutes"], 1);
    let condition = json!({
        "type": "Accepted", "status": "True", "reason": "Accepted", "message": "valid",
        "observedGeneration": 3,
    });
    assert_eq!(listener["conditions"][0], condition);
    let parent = &serde_json::to_value(&statuses.routes[0].status).expect("JSON")["parents"][0];
    assert_eq!(parent["controllerName"], "xdp-gateway.dev/controller");
    assert_eq!(parent["parentRef"]["sectionName"], "tcp");
    assert_eq!(parent["conditions"][0]["observedGeneration"], 5);
    assert_eq!(parent.as_object().map(serde_json::Map::len), Some(3));
}

/// `xdp-gateway status` reads what the daemon wrote.
#[test]
fn statuses_survive_json_but_for_whose_parents_are() {
    let (_, Translation { mut statuses, .. }) = translated();
    let text = serde_json::to_string(&statuses).expect("JSON");
    let parents = statuses
        .routes
        .iter_mut()
        .flat_map(|route| &mut route.status.parents);
    parents.for_each(|parent| parent.ours = false);
    let read: Statuses = serde_json::from_str(&text).expect("statuses");
    assert_eq!(read, statuses);
}

#[test]
fn only_parents_of_ours_are_written() {
    let (_, Translation { statuses, .. }) = translated();
    let ours: Vec<bool> = statuses.routes[0]
        .status
        .parents
        .iter()
        .map(|p| p.ours)
        .collect();
    assert_eq!(ours, [true, false]);
}

#[test]
fn what_is_not_applied_is_not_programmed() {
    let (_, Translation { mut statuses, .. }) = translated();
    statuses.not_programmed(&ObjectName::new("default", "web"), "map is full");
    let gateway = &statuses.gateways[0].status;
    let programmed = find(&gateway.conditions, ConditionType::Programmed).expect("condition");
    assert_eq!(
        (programmed.status, &*programmed.reason),
        (Truth::False, "Pending")
    );
    assert_eq!(programmed.observed_generation, 3);
    assert!(
        programmed.message.ends_with("map is full"),
        "{}",
        programmed.message
    );
    let reason = |listener: &ListenerStatus| {
        find(&listener.conditions, ConditionType::Programmed).map(|c| c.reason.to_string())
    };
    let reasons: Vec<_> = gateway.listeners.iter().filter_map(reason).collect();
    assert_eq!(
        reasons,
        ["Pending", "Invalid"],
        "a listener that never could be keeps its reason"
    );
    assert_eq!(
        truth(&gateway.conditions, ConditionType::Accepted),
        Some(Truth::True)
    );
}

#[test]
fn readiness_follows_the_endpoints() {
    let (files, Translation { plan, mut statuses }) = translated();
    let all = files.world().endpoints(plan.backend_ids().into_iter());
    let none = Endpoints::default();
    for (endpoints, expected) in [
        (&all, Truth::True),
        (&none, Truth::False),
        (&all, Truth::True),
    ] {
        endpoint_verdicts(&plan, endpoints, &mut statuses);
        let [served, other] = &statuses.routes[0].status.parents[..] else {
            panic!("two parents");
        };
        assert_eq!(
            truth(&served.conditions, ConditionType::BackendsReady),
            Some(expected)
        );
        assert_eq!(
            truth(&served.conditions, ConditionType::ResolvedRefs),
            Some(Truth::True)
        );
        assert_eq!(served.conditions.len(), 3);
        assert_eq!(truth(&other.conditions, ConditionType::BackendsReady), None);
    }
}

#[test]
fn rows_name_every_object_and_part() {
    let (_, Translation { statuses, .. }) = translated();
    let rows = statuses.rows().map(|row| {
        let part = row.part.as_deref().unwrap_or("-");
        format!("{} {} | {part} | {}", row.kind, row.name, row.as_wished())
    });
    let expected = [
        "GatewayClass xdp | - | true",
        "Gateway default/web | - | true",
        "Gateway default/web | listener tcp | true",
        "Gateway default/web | listener sctp | false",
        "TCPRoute default/app | parent default/web, listener tcp | true",
        "TCPRoute default/app | parent default/other | false",
    ];
    assert_eq!(rows.collect::<Vec<_>>(), expected);
}
