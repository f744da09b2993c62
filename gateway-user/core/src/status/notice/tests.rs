//! Which changes of a status are worth an event.

use serde_json::{Value as Json, json};

use super::*;

const OURS: &str = "xdp-gateway.dev/controller";

fn condition(kind: &str, status: &str, message: &str) -> Json {
    json!({"type": kind, "status": status, "reason": "Why", "message": message,
           "observedGeneration": 1, "lastTransitionTime": "2030-01-01T00:00:00Z"})
}

fn told(old: &Json, new: &Json) -> Vec<String> {
    let line = |n: Notice| {
        let level = if n.warning { "Warning" } else { "Normal" };
        format!("{level} {} {}: {}", n.action, n.reason, n.message)
    };
    notices(old, new, OURS).into_iter().map(line).collect()
}

fn gateway(conditions: &[Json]) -> Json {
    json!({ "conditions": conditions })
}

#[test]
fn what_turns_bad_and_back_is_told_once() {
    let good = gateway(&[condition("Programmed", "True", "fine")]);
    let bad = gateway(&[condition("Programmed", "False", "no address")]);
    let worse = gateway(&[condition("Programmed", "False", "no pool")]);
    assert_eq!(told(&good, &bad), ["Warning Programmed Why: no address"]);
    assert_eq!(told(&bad, &bad), [""; 0]);
    assert_eq!(told(&bad, &worse), ["Warning Programmed Why: no pool"]);
    assert_eq!(
        told(&bad, &good),
        ["Normal Programmed Why: Programmed is True again"]
    );
    assert_eq!(told(&good, &good), [""; 0]);
}

#[test]
fn a_new_object_is_told_about_only_if_something_is_wrong() {
    let waiting = gateway(&[condition("Accepted", "Unknown", "Waiting for controller")]);
    let good = gateway(&[condition("Accepted", "True", "fine")]);
    let bad = gateway(&[
        condition("Accepted", "False", "bad"),
        condition("Conflicted", "True", "worse"),
    ]);
    for old in [Json::Null, json!({}), waiting] {
        assert_eq!(told(&old, &good), [""; 0]);
        let expected = ["Warning Accepted Why: bad", "Warning Conflicted Why: worse"];
        assert_eq!(told(&old, &bad), expected);
    }
}

#[test]
fn parts_are_named_and_references_to_other_conditions_are_left_out() {
    let listener = json!({"name": "http", "conditions": [
        condition("Accepted", "False", "port taken"),
        condition("Programmed", "False", "see Accepted; also: see Conflicted"),
        condition("ResolvedRefs", "False", "see Accepted; also: no secret"),
    ]});
    let bad = json!({ "listeners": [listener] });
    let expected = [
        "Warning Accepted Why: listener http: port taken",
        "Warning ResolvedRefs Why: listener http: see Accepted; also: no secret",
    ];
    assert_eq!(told(&Json::Null, &bad), expected);
}

#[test]
fn parents_of_other_controllers_are_their_business() {
    let entry = |controller: &str| {
        json!({"controllerName": controller,
               "parentRef": {"namespace": "infra", "name": "web", "sectionName": "a", "port": 80},
               "conditions": [condition("Accepted", "False", "no"), condition("x.y/Z", "False", "z")]})
    };
    let new = json!({"parents": [entry("example.com/other"), entry(OURS)]});
    let expected = ["Warning Accepted Why: parent infra/web, listener a, port 80: no"];
    assert_eq!(told(&Json::Null, &new), expected);
}
