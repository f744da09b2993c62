//! Merging one status: what is ours changes, everything else stays.

use serde_json::json;

use super::*;

const NOW: &str = "2030-01-01T00:00:00Z";
const THEN: &str = "2029-05-05T05:05:05Z";
const OURS: &str = "xdp-gateway.dev/controller";

fn merged(wanted: &Json, live: &Json) -> Json {
    let author = Author {
        controller: OURS,
        now: NOW,
    };
    let merge = Merge {
        author,
        generation: 9,
    };
    merge.status(wanted, live)
}

fn condition(kind: &str, status: &str, generation: i64) -> Json {
    json!({"type": kind, "status": status, "reason": "R", "message": "m",
           "observedGeneration": generation})
}

fn at(mut condition: Json, time: &str) -> Json {
    condition["lastTransitionTime"] = time.into();
    condition
}

fn conditions(wanted: &[Json], live: &[Json]) -> Json {
    merged(
        &json!({ "conditions": wanted }),
        &json!({ "conditions": live }),
    )["conditions"]
        .clone()
}

#[test]
fn the_time_is_that_of_the_last_change_of_status() {
    let wanted = [
        condition("Accepted", "True", 3),
        condition("Programmed", "False", 3),
        condition("ResolvedRefs", "True", 3),
    ];
    let live = [
        at(condition("Accepted", "True", 2), THEN),
        at(condition("Programmed", "True", 2), THEN),
    ];
    let expected = json!([
        at(condition("Accepted", "True", 3), THEN),
        at(condition("Programmed", "False", 3), NOW),
        at(condition("ResolvedRefs", "True", 3), NOW),
    ]);
    assert_eq!(conditions(&wanted, &live), expected);
}

#[test]
fn the_default_of_the_crd_is_no_transition() {
    let live = json!({"type": "Accepted", "status": "Unknown", "reason": "Pending",
                      "message": "Waiting for controller", "lastTransitionTime": EPOCH});
    let wanted = condition("Accepted", "Unknown", 1);
    let expected = json!([at(condition("Accepted", "Unknown", 1), NOW)]);
    assert_eq!(conditions(&[wanted], &[live]), expected);
}

#[test]
fn conditions_of_others_stay_and_ours_that_are_over_go() {
    let other = at(condition("example.com/Healthy", "True", 1), THEN);
    let wanted = [condition("Accepted", "True", 3)];
    let live = [
        at(condition("PartiallyInvalid", "True", 2), THEN),
        other.clone(),
        at(
            condition("xdp-gateway.dev/OfAnotherVersion", "True", 2),
            THEN,
        ),
        at(condition("Accepted", "True", 3), THEN),
    ];
    let expected = json!([other, at(condition("Accepted", "True", 3), THEN)]);
    assert_eq!(conditions(&wanted, &live), expected);
}

#[test]
fn a_newer_observation_stays_unless_it_cannot_be_one() {
    let wanted = [condition("Accepted", "True", 3)];
    let newer = [at(condition("Accepted", "False", 4), THEN)];
    assert_eq!(conditions(&wanted, &newer), json!(newer));
    // The object's own generation is 9: this status is from another life of it.
    let foreign = [at(condition("Accepted", "False", 10), THEN)];
    let expected = json!([at(condition("Accepted", "True", 3), NOW)]);
    assert_eq!(conditions(&wanted, &foreign), expected);
}

#[test]
fn the_limits_of_the_crds_are_kept() {
    let others: Vec<_> = (0..7)
        .map(|n| at(condition(&format!("a.b/C{n}"), "True", 1), THEN))
        .collect();
    let wanted = [
        condition("Accepted", "True", 3),
        condition("ResolvedRefs", "True", 3),
    ];
    let out = conditions(&wanted, &others);
    assert_eq!(out.as_array().map(Vec::len), Some(8));
    assert_eq!((&out[6], &out[7]["type"]), (&others[6], &json!("Accepted")));

    let mut long = condition("Accepted", "True", 3);
    long["message"] = "\u{e4}".repeat(MAX_MESSAGE).into();
    let out = conditions(&[long], &[]);
    let message = out[0]["message"].as_str().expect("text");
    assert!(message.len() <= MAX_MESSAGE && message.ends_with("\u{e4}..."));
    assert!(message.len() > MAX_MESSAGE - 8, "{}", message.len());
}

#[test]
fn listeners_follow_the_wanted_ones() {
    let healthy = at(condition("a.b/Healthy", "True", 1), THEN);
    let wanted = json!({"listeners": [
        {"name": "b", "attachedRoutes": 2, "conditions": [condition("Accepted", "True", 3)]},
        {"name": "a", "attachedRoutes": 0, "conditions": [condition("Accepted", "True", 3)]},
    ]});
    let live = json!({"listeners": [
        {"name": "gone", "attachedRoutes": 7, "conditions": []},
        {"name": "a", "attachedRoutes": 1, "ofANewerApi": 1, "conditions": [healthy]},
    ]});
    let accepted = at(condition("Accepted", "True", 3), NOW);
    let expected = json!({"listeners": [
        {"name": "b", "attachedRoutes": 2, "conditions": [accepted]},
        {"name": "a", "attachedRoutes": 0, "ofANewerApi": 1, "conditions": [healthy, accepted]},
    ]});
    assert_eq!(merged(&wanted, &live), expected);
}

fn parent(name: &str, controller: &str, conditions: &[Json]) -> Json {
    json!({"parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name},
           "controllerName": controller, "conditions": conditions})
}

#[test]
fn entries_of_other_controllers_stay_word_by_word_and_in_place() {
    let theirs = json!({"parentRef": {"name": "same"}, "controllerName": "example.com/other",
                        "unknown": {"field": 1}, "conditions": []});
    let wanted = json!({"parents": [
        parent("new", OURS, &[condition("Accepted", "True", 3)]),
        parent("same", OURS, &[condition("Accepted", "True", 3)]),
    ]});
    let same = json!({"parentRef": {"name": "same"}, "controllerName": OURS,
                      "conditions": [at(condition("Accepted", "True", 2), THEN)]});
    let live = json!({"parents": [parent("gone", OURS, &[]), theirs, same, same]});
    let expected = json!({"parents": [
        theirs,
        parent("same", OURS, &[at(condition("Accepted", "True", 3), THEN)]),
        parent("new", OURS, &[at(condition("Accepted", "True", 3), NOW)]),
    ]});
    assert_eq!(merged(&wanted, &live), expected);
}

#[test]
fn the_last_entry_of_ours_leaves_an_empty_list() {
    let live = json!({"parents": [parent("gone", OURS, &[])]});
    assert_eq!(
        merged(&json!({"parents": []}), &live),
        json!({"parents": []})
    );
}

#[test]
fn more_parents_than_the_crd_allows_leave_out_ours_never_theirs() {
    let theirs: Vec<_> = (0..31)
        .map(|n| parent(&format!("g{n}"), "example.com/other", &[]))
        .collect();
    let ours: Vec<_> = (0..3)
        .map(|n| parent(&format!("o{n}"), OURS, &[]))
        .collect();
    let out = merged(&json!({"parents": ours}), &json!({"parents": theirs}));
    let out = out["parents"].as_array().expect("a list");
    assert_eq!((out.len(), &out[..31]), (32, &theirs[..]));
    assert_eq!(out[31]["parentRef"]["name"], "o0");
}

#[test]
fn other_fields_are_set_removed_or_left() {
    let live = json!({"used": 1, "ipv6": {"free": 3}, "theirs": [1]});
    let wanted = json!({"used": 2, "ipv6": null, "absent": null, "empty": [], "new": "x"});
    assert_eq!(
        merged(&wanted, &live),
        json!({"used": 2, "theirs": [1], "new": "x"})
    );
    let emptied = json!({"theirs": []});
    assert_eq!(merged(&emptied, &live)["theirs"], json!([]));
    let patch = |new: &Json| Json::Object(patch(&live, new));
    assert_eq!(patch(&live), json!({}));
    let expected = json!({"used": 2, "ipv6": null, "theirs": null, "new": 1});
    assert_eq!(patch(&json!({"used": 2, "new": 1})), expected);
}
