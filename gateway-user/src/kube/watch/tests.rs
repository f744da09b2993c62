//! What events and errors of the client become.

use kube::core::Status;
use serde_json::json;

use super::*;

fn status(code: u16, message: &str) -> Box<Status> {
    let status = json!({"code": code, "message": message, "status": "Failure", "reason": ""});
    Box::new(serde_json::from_value(status).expect("a Status"))
}

fn api(code: u16, message: &str) -> kube::Error {
    kube::Error::Api(status(code, message))
}

fn object() -> Json {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "web",
            "namespace": "a",
            "resourceVersion": "7",
            "managedFields": [{"manager": "kubectl"}],
            "annotations": {LAST_APPLIED: "{}", "note": "kept"},
        },
        "spec": {"ports": [{"port": 80}]},
        "status": {"loadBalancer": {}},
    })
}

#[test]
fn events_lose_nothing_but_what_is_of_no_use() {
    let dynamic: DynamicObject = serde_json::from_value(object()).expect("an object");
    let mut expected = object();
    let meta = &mut expected["metadata"];
    meta.as_object_mut().expect("a map").remove("managedFields");
    meta["annotations"] = json!({"note": "kept"});

    let told = [
        told(watcher::Event::Init),
        told(watcher::Event::InitApply(dynamic.clone())),
        told(watcher::Event::Apply(dynamic.clone())),
        told(watcher::Event::InitDone),
        told(watcher::Event::Delete(dynamic)),
    ];
    let [
        Event::Listing,
        Event::Applied(listed),
        Event::Applied(changed),
        Event::Listed,
        Event::Deleted(deleted),
    ] = told
    else {
        panic!("{told:?}");
    };
    assert_eq!(
        [listed, changed, deleted],
        [(); 3].map(|()| expected.clone())
    );
}

#[test]
fn only_not_found_means_that_a_kind_is_not_known() {
    assert!(is_unknown(&Error::InitialListFailed(api(404, "no"))));
    assert!(is_unknown(&Error::WatchStartFailed(api(404, "no"))));
    assert!(!is_unknown(&Error::InitialListFailed(api(503, "starting"))));
    assert!(!is_unknown(&Error::InitialListFailed(api(403, "no"))));
    assert!(!is_unknown(&Error::WatchError(status(410, "too old"))));
}

#[test]
fn reasons_are_one_line_and_say_what_to_do() {
    let forbidden = api(403, "secrets is forbidden: User \"x\" cannot list");
    assert_eq!(
        explain(&Error::InitialListFailed(forbidden)),
        "secrets is forbidden: User \"x\" cannot list (403): grant it `list` and `watch` (the \
         chart's ClusterRole does)"
    );
    let expired = explain(&Error::WatchError(status(410, "too old\nmore")));
    assert_eq!(expired, "too old (410)");
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let refused = kube::Error::Service(Box::new(refused));
    assert_eq!(
        explain(&Error::WatchStartFailed(refused)),
        "connection refused"
    );
}
