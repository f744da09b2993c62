//! What events and errors of the client become.

use std::{
    io::ErrorKind,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use gateway_core::api::Kind;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use kube::{client::Body, core::Status};
use serde_json::json;
use tower::{BoxError, service_fn};

use super::*;
use crate::kube::heartbeat::Heartbeat;

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

type Answer = UnsyncBoxBody<Bytes, BoxError>;

/// An API server that is down for three requests, then lists; watches get what `watched` gives, or no
/// answer, and the question whether it works is answered as told here.
fn starting_server(
    watched: fn() -> Option<Answer>,
    answers: impl IntoIterator<Item = Option<(u16, Json)>>,
) -> Client {
    let answers: Vec<_> = answers.into_iter().collect();
    let (lists, questions) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let plain = |(code, json): (u16, Json)| {
        let body = Full::from(json.to_string());
        (code, body.map_err(|never| match never {}).boxed_unsync())
    };
    let service = service_fn(move |request: Request<Body>| {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let answer = if query.contains("watch=true") {
            Ok(watched().map(|body| (200, body)))
        } else if query.split('&').any(|field| field == "limit=1") {
            let question = questions.fetch_add(1, Relaxed);
            Ok(answers[question].clone().map(plain))
        } else if lists.fetch_add(1, Relaxed) < 3 {
            Err(std::io::Error::from(ErrorKind::ConnectionRefused))
        } else {
            Ok(Some(plain((200, list()))))
        };
        async move {
            let Some((code, body)) = answer? else {
                return std::future::pending().await;
            };
            Ok::<_, BoxError>(Response::builder().status(code).body(body)?)
        }
    });
    Client::new(service, "default")
}

fn list() -> Json {
    let meta = json!({"resourceVersion": "7"});
    json!({"apiVersion": "v1", "kind": "ServiceList", "metadata": meta, "items": []})
}

/// Something new every few milliseconds, for ever.
fn changes() -> Option<Answer> {
    let change = json!({"type": "MODIFIED", "object": object()});
    let lines = futures_util::stream::unfold(format!("{change}\n"), async |line| {
        sleep(Duration::from_millis(2)).await;
        let frame = Frame::data(Bytes::from(line.clone()));
        Some((Ok::<_, BoxError>(frame), line))
    });
    Some(StreamBody::new(lines).boxed_unsync())
}

/// A watch of Services that waits a millisecond, then `factor` of these; what it tells; and who tells it
/// of answers that others got.
fn watch(client: Client, factor: f32) -> (Watch, mpsc::Receiver<(Target, Event)>, Heartbeat) {
    let (sender, events) = mpsc::channel(16);
    let silent = Instant::now().into_std() - Duration::from_secs(60);
    let (heartbeat, returns) = Heartbeat::since(silent);
    let (target, metrics) = (Target::Kind(Kind::Service), WatchMetrics::default());
    let mut watch = Watch::new(client, target, sender, metrics, returns);
    watch.ask_after = Duration::from_millis(20);
    watch.backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(1))
        .with_factor(factor)
        .without_max_delay()
        .without_max_times()
        .build();
    (watch, events, heartbeat)
}

#[tokio::test]
async fn a_watch_without_an_answer_works_once_the_server_answers_a_question() {
    let forbidden = serde_json::to_value(status(403, "not yet")).expect("JSON");
    let answers = [Some((403, forbidden)), None, Some((200, list()))];
    let (watch, mut events, _) = watch(starting_server(|| None, answers), 2.0);
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

#[tokio::test]
async fn a_watch_that_is_never_silent_works_again_as_well() {
    let client = starting_server(changes, [Some((200, list()))]);
    let (watch, mut events, _) = watch(client, 2.0);
    let watching = tokio::spawn(watch.run());
    let mut changes = 0;
    while let Some((_, event)) = events.recv().await {
        match event {
            Event::Recovered => break,
            Event::Applied(_) => changes += 1,
            _ => (),
        }
        assert!(changes < 1000, "not asked within two seconds");
    }
    watching.abort();
    assert!(changes > 0);
}

/// It would wait for an hour.
#[tokio::test]
async fn a_watch_that_waits_tries_again_once_others_hear_of_the_server() {
    let (watch, mut events, heartbeat) = watch(starting_server(|| None, []), 3_600_000.0);
    let watching = tokio::spawn(watch.run());
    let mut told = Vec::new();
    while !matches!(told.last(), Some(Event::Listed)) {
        let next = timeout(Duration::from_secs(30), events.recv()).await;
        let (_, event) = next.expect("it tries again").expect("watches go on");
        if matches!(event, Event::Failed(_)) {
            heartbeat.answered();
        }
        told.push(event);
    }
    watching.abort();
    let failed = |event: &&Event| matches!(event, Event::Failed(_));
    assert_eq!(told.iter().filter(failed).count(), 2);
}
