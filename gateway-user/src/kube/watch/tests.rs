//! What events and errors of the client become.

use std::{
    io::ErrorKind,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use gateway_core::api::Kind;
use http::{Request, Response};
use kube::{client::Body, core::Status};
use serde_json::json;
use tower::{BoxError, service_fn};

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
    let refused = std::io::Error::from(ErrorKind::ConnectionRefused);
    let refused = kube::Error::Service(Box::new(refused));
    assert_eq!(
        explain(&Error::WatchStartFailed(refused)),
        "connection refused"
    );
}

/// An API server that is down for three requests, then lists, but leaves watches without an answer;
/// and which answers the question whether it works as told here.
fn starting_server(answers: [Option<(u16, Json)>; 3]) -> Client {
    let (lists, questions) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let service = service_fn(move |request: Request<Body>| {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let answer = if query.contains("watch=true") {
            Ok(None)
        } else if query.split('&').any(|field| field == "limit=1") {
            Ok(answers[questions.fetch_add(1, Relaxed)].clone())
        } else if lists.fetch_add(1, Relaxed) < 3 {
            Err(std::io::Error::from(ErrorKind::ConnectionRefused))
        } else {
            Ok(Some((200, list())))
        };
        async move {
            let Some((code, body)) = answer? else {
                return std::future::pending().await;
            };
            let response = Response::builder().status(code);
            Ok::<_, BoxError>(response.body(Body::from(body.to_string().into_bytes()))?)
        }
    });
    Client::new(service, "default")
}

fn list() -> Json {
    let meta = json!({"resourceVersion": "7"});
    json!({"apiVersion": "v1", "kind": "ServiceList", "metadata": meta, "items": []})
}

#[tokio::test]
async fn a_watch_without_an_answer_works_once_the_server_answers_a_question() {
    let forbidden = serde_json::to_value(status(403, "not yet")).expect("JSON");
    let client = starting_server([Some((403, forbidden)), None, Some((200, list()))]);
    let (sender, mut events) = mpsc::channel(16);
    let target = Target::Kind(Kind::Service);
    let mut watch = Watch::new(client, target, sender, WatchMetrics::default());
    watch.settled = Duration::from_millis(20);
    watch.backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(1))
        .without_max_times()
        .build();
    let watching = tokio::spawn(watch.run());
    let mut told = Vec::new();
    while told.last().is_none_or(|last| last != "Recovered") {
        let (_, event) = events.recv().await.expect("watches go on");
        // Each list that is tried begins.
        if !matches!(event, Event::Listing) {
            told.push(format!("{event:?}"));
        }
    }
    watching.abort();
    let grant = "grant it `list` and `watch` (the chart's ClusterRole does)";
    let expected = [
        "Failed(\"connection refused\")",
        "Failed(\"connection refused\")",
        "Listed",
        &format!("Failed(\"not yet (403): {grant}\")"),
        "Failed(\"it takes requests and does not answer\")",
        "Recovered",
    ];
    assert_eq!(told, expected);
}
