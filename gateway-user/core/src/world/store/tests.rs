//! Lists, changes, failures and objects that cannot be read.

use serde_json::{Value as Json, json};

use super::*;
use crate::{
    status::find,
    translate::{Settings, translate},
    verdict::{ConditionType, Truth},
};

/// A UDPRoute; `backend` is its Service.
fn route(name: &str, version: u32, backend: &str) -> Json {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "UDPRoute",
        "metadata": {
            "name": name,
            "namespace": "a",
            "uid": format!("uid-of-{name}"),
            "resourceVersion": version.to_string(),
            "generation": 1,
        },
        "spec": {
            "parentRefs": [{"name": "gw"}],
            "rules": [{"backendRefs": [{"name": backend, "port": 53}]}],
        },
    })
}

/// As [`route`], with a spec that is none.
fn unreadable(name: &str, version: u32) -> Json {
    let mut route = route(name, version, "web");
    route["spec"]["rules"] = json!("none");
    route
}

fn store() -> Store {
    Store::new([Kind::UdpRoute, Kind::Gateway])
}

fn take(store: &mut Store, event: Event) -> Changed {
    store.take(Kind::UdpRoute, event)
}

/// What is told about objects: name, uid, reason and message.
fn signs(store: &Store) -> Vec<String> {
    let signs = store.signs().into_iter();
    let line = |sign: Sign| {
        let Sign { subject, notice } = sign;
        assert_eq!(subject.api_version, "gateway.networking.k8s.io/v1");
        let (kind, name, uid) = (subject.kind, subject.name, subject.uid);
        format!("{kind} {name} {uid} {}: {}", notice.reason, notice.message)
    };
    signs.map(line).collect()
}

fn list(store: &mut Store, routes: impl IntoIterator<Item = Json>) {
    take(store, Event::Listing);
    for route in routes {
        take(store, Event::Applied(route));
    }
    take(store, Event::Listed);
}

/// `name=backend` of the routes in force.
fn routes(store: &Store) -> Vec<String> {
    let routes = store.world().udp_routes.values();
    let backend = |route: &crate::api::UdpRoute| route.spec.rules[0].backend_refs[0].name.clone();
    routes
        .map(|route| format!("{}={}", route.meta.name, backend(route)))
        .collect()
}

fn live(store: &Store) -> Vec<String> {
    let live = store.live().iter();
    live.map(|((kind, name), live)| format!("{kind} {name} {}", live.resource_version))
        .collect()
}

#[test]
fn a_list_removes_what_it_does_not_name_when_it_is_complete() {
    let mut store = store();
    list(&mut store, [route("x", 1, "one"), route("y", 2, "one")]);
    assert_eq!(routes(&store), ["x=one", "y=one"]);

    assert_eq!(take(&mut store, Event::Listing), Changed::default());
    let changed = take(&mut store, Event::Applied(route("y", 3, "two")));
    assert!(changed.world && changed.live);
    assert_eq!(routes(&store), ["x=one", "y=two"], "it is not complete yet");
    let changed = take(&mut store, Event::Listed);
    assert!(changed.world && changed.live);
    assert_eq!(routes(&store), ["y=two"]);
    assert_eq!(live(&store), ["UDPRoute a/y 3"]);
}

#[test]
fn a_list_that_breaks_off_removes_nothing() {
    let mut store = store();
    list(&mut store, [route("x", 1, "one"), route("y", 2, "one")]);
    take(&mut store, Event::Listing);
    take(&mut store, Event::Applied(route("y", 2, "one")));
    take(&mut store, Event::Failed("connection reset".into()));
    // The next attempt counts from its own start.
    take(&mut store, Event::Listing);
    take(&mut store, Event::Applied(route("x", 1, "one")));
    assert_eq!(routes(&store), ["x=one", "y=one"]);
    take(&mut store, Event::Listed);
    assert_eq!(routes(&store), ["x=one"]);
}

#[test]
fn changes_and_deletions_apply_at_once() {
    let mut store = store();
    list(&mut store, [route("x", 1, "one")]);
    let changed = take(&mut store, Event::Applied(route("z", 4, "one")));
    assert!(changed.world && changed.live && !changed.watches);
    assert_eq!(routes(&store), ["x=one", "z=one"]);
    let changed = take(&mut store, Event::Deleted(route("x", 5, "one")));
    assert!(changed.world && changed.live && !changed.watches);
    assert_eq!(routes(&store), ["z=one"]);
    assert_eq!(live(&store), ["UDPRoute a/z 4"]);
    let again = take(&mut store, Event::Deleted(route("x", 5, "one")));
    assert_eq!(again, Changed::default());
}

#[test]
fn what_is_listed_again_changes_nothing() {
    let mut store = store();
    list(&mut store, [route("x", 1, "one")]);
    take(&mut store, Event::Listing);
    let again = take(&mut store, Event::Applied(route("x", 1, "one")));
    assert_eq!(again, Changed::default());
    assert_eq!(take(&mut store, Event::Listed), Changed::default());
    assert_eq!(routes(&store), ["x=one"]);

    // A new object may happen to have the version of an old one of the same name.
    let mut successor = route("x", 1, "two");
    successor["metadata"]["uid"] = json!("another");
    assert!(take(&mut store, Event::Applied(successor)).world);
    assert_eq!(routes(&store), ["x=two"]);
}

#[test]
fn a_new_status_is_no_change_of_the_world() {
    let mut store = store();
    list(&mut store, [route("x", 1, "one")]);
    let mut told = route("x", 2, "one");
    told["status"] = json!({"parents": []});
    let changed = take(&mut store, Event::Applied(told));
    assert!(changed.live && !changed.world && !changed.watches);
    let live = store.live().values().next().expect("the route's status");
    assert_eq!(live.status, json!({"parents": []}));
    assert_eq!((&*live.uid, live.generation), ("uid-of-x", 1));
}

#[test]
fn an_object_that_cannot_be_read_keeps_what_it_said_and_touches_no_other() {
    let mut store = store();
    list(&mut store, [route("x", 1, "one"), route("y", 2, "one")]);
    let changed = take(&mut store, Event::Applied(unreadable("x", 3)));
    assert!(changed.watches && changed.live && !changed.world);
    take(&mut store, Event::Applied(route("y", 4, "two")));
    assert_eq!(routes(&store), ["x=one", "y=two"]);
    let problems: Vec<_> = store.problems().iter().map(ToString::to_string).collect();
    let expected = "error: UDPRoute a/x: spec.rules: is string \"none\", but must be a list";
    assert_eq!(problems, [expected]);
    let expected = "UDPRoute a/x uid-of-x Unreadable: xdp-gateway cannot read this object: \
                    spec.rules: is string \"none\", but must be a list; what it said before \
                    stays in force until then";
    assert_eq!(signs(&store), [expected]);

    // Listed again, it is still the same problem.
    take(&mut store, Event::Listing);
    let again = take(&mut store, Event::Applied(unreadable("x", 3)));
    assert_eq!(again, Changed::default());
    take(&mut store, Event::Applied(route("y", 4, "two")));
    take(&mut store, Event::Listed);
    assert_eq!(routes(&store), ["x=one", "y=two"]);
    assert_eq!(store.problems().len(), 1);
    assert_eq!(signs(&store), [expected]);

    let mended = take(&mut store, Event::Applied(route("x", 5, "two")));
    assert!(mended.world && mended.watches);
    assert_eq!(store.problems(), []);
    assert_eq!(routes(&store), ["x=two", "y=two"]);
}

#[test]
fn an_unreadable_object_that_goes_takes_its_problem_with_it() {
    let mut store = store();
    list(&mut store, [unreadable("x", 1)]);
    assert_eq!((routes(&store).len(), store.problems().len()), (0, 1));
    assert!(signs(&store)[0].ends_with("it has no effect until then"));
    let changed = take(&mut store, Event::Deleted(unreadable("x", 2)));
    assert!(changed.watches && !changed.world);
    assert_eq!(store.problems(), []);
    assert_eq!(signs(&store), [""; 0]);
}

#[test]
fn failures_are_told_and_change_no_object() {
    let mut store = store();
    list(&mut store, [route("x", 1, "one")]);
    let why = "connection refused";
    let changed = take(&mut store, Event::Failed(why.into()));
    assert_eq!(changed, Changed::watches(true));
    assert_eq!(
        take(&mut store, Event::Failed(why.into())),
        Changed::default()
    );
    store.take(Kind::Gateway, Event::Failed(why.into()));
    let kinds = vec![Kind::Gateway, Kind::UdpRoute];
    assert_eq!(store.troubles(), BTreeMap::from([(why, kinds)]));
    assert_eq!(routes(&store), ["x=one"]);

    assert_eq!(take(&mut store, Event::Recovered), Changed::watches(true));
    store.take(Kind::Gateway, Event::Recovered);
    assert_eq!(store.troubles(), BTreeMap::new());
}

#[test]
fn the_world_is_whole_once_every_kind_is_listed_or_not_installed() {
    let mut store = store();
    take(&mut store, Event::Listing);
    take(&mut store, Event::Applied(route("x", 1, "one")));
    store.take(Kind::Gateway, Event::NotInstalled);
    assert!(!store.is_synced());
    let waiting: Vec<_> = store.in_phase(Phase::Waiting).collect();
    assert_eq!(waiting, [Kind::UdpRoute]);
    assert!(take(&mut store, Event::Listed).watches);
    assert!(store.is_synced());
    // A failure later does not make it less whole.
    take(&mut store, Event::Failed("down".into()));
    take(&mut store, Event::Listing);
    assert!(store.is_synced());
}

#[test]
fn a_kind_may_be_installed_later() {
    let mut store = store();
    assert!(take(&mut store, Event::NotInstalled).watches);
    assert_eq!(
        take(&mut store, Event::NotInstalled),
        Changed::default(),
        "told once"
    );
    let missing: Vec<_> = store.in_phase(Phase::NotInstalled).collect();
    assert_eq!(missing, [Kind::UdpRoute]);
    list(&mut store, [route("x", 1, "one")]);
    assert_eq!(store.in_phase(Phase::NotInstalled).count(), 0);
    assert_eq!(routes(&store), ["x=one"]);
}

#[test]
fn a_kind_that_was_there_is_given_up_only_after_it_was_missed_repeatedly() {
    let mut store = store();
    list(&mut store, [route("x", 1, "one")]);
    for _ in 1..CONFIRMED {
        let changed = take(&mut store, Event::NotInstalled);
        assert!(!changed.world);
        assert_eq!(routes(&store), ["x=one"]);
    }
    // It was a false alarm.
    list(&mut store, [route("x", 1, "one")]);
    for _ in 1..CONFIRMED {
        take(&mut store, Event::NotInstalled);
    }
    assert_eq!(routes(&store), ["x=one"]);
    let changed = take(&mut store, Event::NotInstalled);
    assert!(changed.world && changed.live && changed.watches);
    assert_eq!(routes(&store), [""; 0]);
    assert_eq!(live(&store), [""; 0]);
}

#[test]
fn the_order_of_objects_and_kinds_does_not_matter() {
    let gateway = json!({
        "metadata": {"name": "gw", "namespace": "a", "resourceVersion": "9"},
        "spec": {"gatewayClassName": "c", "listeners": []},
    });
    let events = [
        (Kind::UdpRoute, Event::Applied(route("x", 1, "one"))),
        (Kind::UdpRoute, Event::Applied(route("y", 2, "one"))),
        (Kind::UdpRoute, Event::Applied(unreadable("z", 3))),
        (Kind::Gateway, Event::Applied(gateway)),
    ];
    let told = |events: Vec<&(Kind, Event)>| {
        let mut store = store();
        for (kind, event) in events {
            store.take(*kind, event.clone());
        }
        store
    };
    let forward = told(events.iter().collect());
    let backward = told(events.iter().rev().collect());
    assert_eq!(forward.world(), backward.world());
    assert_eq!(forward.live(), backward.live());
    assert_eq!(forward.problems(), backward.problems());
    assert_eq!(routes(&forward), ["x=one", "y=one"]);
}

#[test]
fn kinds_that_are_not_watched_change_nothing() {
    let mut store = store();
    let class = json!({"metadata": {"name": "c"}, "spec": {"controllerName": "x/y"}});
    let changed = store.take(Kind::GatewayClass, Event::Applied(class));
    assert_eq!(changed, Changed::default());
    assert_eq!(store.world(), &World::default());
}

/// An API server may have a newer API than ours: it is the condition that tells.
#[test]
fn a_value_that_we_do_not_know_refuses_the_route_by_a_condition() {
    let mut store = Store::new([Kind::GatewayClass, Kind::Gateway, Kind::HttpRoute]);
    let class = json!({
        "metadata": {"name": "c"},
        "spec": {"controllerName": "xdp-gateway.dev/controller"},
    });
    let gateway = json!({
        "metadata": {"name": "gw", "namespace": "a"},
        "spec": {
            "gatewayClassName": "c",
            "addresses": [{"value": "10.0.0.1"}],
            "listeners": [{"name": "web", "port": 80, "protocol": "HTTP"}],
        },
    });
    let route = json!({
        "metadata": {"name": "r", "namespace": "a", "generation": 7},
        "spec": {
            "parentRefs": [{"name": "gw"}],
            "rules": [{"filters": [{"type": "Teleport", "teleport": {"to": "mars"}}]}],
        },
    });
    for (kind, json) in [
        (Kind::GatewayClass, class),
        (Kind::Gateway, gateway),
        (Kind::HttpRoute, route),
    ] {
        store.take(kind, Event::Applied(json));
    }
    assert_eq!(store.problems(), []);
    let statuses = translate(store.world(), &Settings::default()).statuses;
    let parent = &statuses.routes[0].status.parents[0];
    let accepted = find(&parent.conditions, ConditionType::Accepted).expect("the condition");
    assert_eq!(accepted.status, Truth::False);
    assert_eq!(accepted.reason, "UnsupportedValue");
    assert!(accepted.message.contains("Teleport"), "{accepted:?}");
    assert_eq!(accepted.observed_generation, 7);
}

#[test]
fn classes_tell_whether_the_installed_version_is_supported() {
    let mut store = Store::new([Kind::GatewayClass]);
    let class = json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "x", "uid": "u", "resourceVersion": "1", "generation": 1},
        "spec": {"controllerName": "xdp-gateway.dev/controller"},
    });
    store.take(Kind::GatewayClass, Event::Applied(class));
    let supported = |store: &Store| {
        let statuses = translate(store.world(), &Settings::default()).statuses;
        let class = &statuses.classes[0].status;
        let truth = |kind| find(&class.conditions, kind).map(|c| c.status);
        assert_eq!(truth(ConditionType::Accepted), Some(Truth::True));
        truth(ConditionType::SupportedVersion)
    };
    assert_eq!(supported(&store), None, "not known");

    let crd = |version: &str| {
        let annotations = json!({"gateway.networking.k8s.io/bundle-version": version});
        json!({"metadata": {"annotations": annotations}})
    };
    assert!(store.take_definition(Some(&crd("v1.6.3"))).world);
    assert_eq!(supported(&store), Some(Truth::True));
    assert!(!store.take_definition(Some(&crd("v1.6.3"))).any());
    store.take_definition(Some(&crd("v9.0.0")));
    assert_eq!(supported(&store), Some(Truth::False));
    store.take_definition(Some(&json!({"metadata": {}})));
    assert_eq!(supported(&store), Some(Truth::False));
    store.take_definition(None);
    assert_eq!(supported(&store), None);
}
