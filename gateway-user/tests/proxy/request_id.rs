//! The id of a request: whose it is, who gets it. And what tracing needs, which is not ours.

use std::io;

use gateway_core::{
    balance::Share,
    plan::{LogFormat, Parameters, RequestId, RequestIdPolicy},
};
use http_body_util::{BodyExt as _, Full};

use crate::{
    access_log::{Lines, logging},
    backend::Backend,
    bed::{Bed, rule},
    h2,
    raw::{Answer, ask},
};

fn bed(backend: &Backend, policy: RequestIdPolicy, in_response: bool) -> Bed {
    let parameters = Parameters {
        request_id: RequestId {
            policy,
            in_response,
        },
        ..Parameters::default()
    };
    let rules = [rule("/a", backend.address)];
    Bed::with_parameters(&rules, parameters, Box::new(io::stdout()))
}

async fn with(bed: &Bed, headers: &str) -> Answer {
    let head = "GET /a HTTP/1.1\r\nhost: a\r\n";
    ask(bed.address, &format!("{head}{headers}\r\n")).await
}

/// The ids that a backend saw, from its answer.
fn ids(body: &str) -> Vec<&str> {
    let ids = body.lines().map(|line| line.strip_prefix("x-request-id: "));
    ids.flatten().collect()
}

#[track_caller]
fn assert_made(body: &str) -> String {
    let [id] = ids(body)[..] else {
        panic!("{body}")
    };
    let digit = |(at, c): (usize, char)| match at {
        8 | 13 | 18 | 23 => c == '-',
        14 => c == '7',
        _ => c.is_ascii_hexdigit(),
    };
    assert!(id.len() == 36 && id.chars().enumerate().all(digit), "{id}");
    id.to_owned()
}

#[tokio::test]
async fn each_request_has_one_by_default() {
    let backend = Backend::start("a").await;
    let bed = Bed::start(&[rule("/a", backend.address)]);
    let answer = with(&bed, "").await;
    let first = assert_made(&answer.body);
    assert_eq!(answer.header("x-request-id"), None);
    assert_ne!(assert_made(&with(&bed, "").await.body), first);
    let kept = with(&bed, "x-request-id: client-1/2\r\n").await;
    assert_eq!(ids(&kept.body), ["client-1/2"]);
    for unfit in [
        "x-request-id:\r\n".to_owned(),
        "x-request-id: a b\r\n".to_owned(),
        "x-request-id: a\r\nx-request-id: b\r\n".to_owned(),
        format!("x-request-id: {}\r\n", "x".repeat(129)),
        // What concerns the client's connection is not passed on; the id is ours.
        "connection: x-request-id\r\n".to_owned(),
    ] {
        assert_made(&with(&bed, &unfit).await.body);
    }
    bed.stop().await;
}

#[tokio::test]
async fn the_gateway_says_whose_it_is() {
    let backend = Backend::start("a").await;
    let given = "x-request-id: mine\r\n";
    let unfit = "x-request-id: a b\r\n";

    let own = bed(&backend, RequestIdPolicy::Generate, false);
    assert_made(&with(&own, given).await.body);
    own.stop().await;

    let theirs = bed(&backend, RequestIdPolicy::Preserve, false);
    assert_eq!(ids(&with(&theirs, given).await.body), ["mine"]);
    for none in ["", unfit] {
        assert_eq!(ids(&with(&theirs, none).await.body), [""; 0]);
    }
    theirs.stop().await;

    let off = bed(&backend, RequestIdPolicy::Disable, true);
    assert_eq!(ids(&with(&off, unfit).await.body), ["a b"]);
    let answer = with(&off, "").await;
    assert_eq!(ids(&answer.body), [""; 0]);
    assert_eq!(answer.header("x-request-id"), None);
    off.stop().await;
}

#[tokio::test]
async fn clients_are_told_where_that_is_wished() {
    let backend = Backend::start("a").await;
    let bed = bed(&backend, RequestIdPolicy::PreserveOrGenerate, true);
    let answer = with(&bed, "").await;
    let id = assert_made(&answer.body);
    assert_eq!(answer.header("x-request-id"), Some(&*id));
    let none = "GET /none HTTP/1.1\r\nhost: a\r\nx-request-id: mine\r\n\r\n";
    let none = ask(bed.address, none).await;
    let told = (none.status, none.header("x-request-id"));
    assert_eq!(told, (404, Some("mine")));
    let (mut sender, _connection) = h2::connect(&bed).await;
    let request = h2::post("/a", Full::default().boxed());
    let answer = sender.send_request(request).await.unwrap();
    let told = answer.headers()["x-request-id"].clone();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(told, assert_made(std::str::from_utf8(&body).unwrap()));
    bed.stop().await;
}

#[tokio::test]
async fn it_is_in_the_access_log() {
    let backend = Backend::start("a").await;
    let lines = Lines::default();
    let logging = logging(LogFormat::Json, Share::ALL);
    let rules = [rule("/a", backend.address)];
    let bed = Bed::with_parameters(&rules, logging, Box::new(lines.clone()));
    let id = assert_made(&with(&bed, "").await.body);
    with(&bed, "x-request-id: mine\r\n").await;
    bed.stop().await;
    let lines = lines.read();
    let logged: Vec<_> = lines.iter().map(|l| l["requestId"].as_str()).collect();
    assert_eq!(logged, [Some(&*id), Some("mine")]);
}

/// W3C Trace Context: who has no part in a trace passes it on as it is, valid or not.
#[tokio::test]
async fn traces_are_passed_on_untouched() {
    let backend = Backend::start("a").await;
    let bed = bed(&backend, RequestIdPolicy::Generate, true);
    let headers = [
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("traceparent", "cc-nonsense"),
        ("tracestate", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        ("tracestate", "second=1"),
        ("baggage", "userId=alice"),
    ];
    let lines = headers.map(|(name, value)| format!("{name}: {value}\r\n"));
    let over_1 = with(&bed, &lines.concat()).await.body;
    let (mut sender, _connection) = h2::connect(&bed).await;
    let mut request = h2::post("/a", Full::default().boxed());
    for (name, value) in headers {
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let answer = sender.send_request(request).await.unwrap();
    let over_2 = answer.into_body().collect().await.unwrap().to_bytes();
    for seen in [&over_1, std::str::from_utf8(&over_2).unwrap()] {
        let trace = |line: &&str| line.starts_with("trace") || line.starts_with("baggage");
        let seen: Vec<_> = seen.lines().filter(trace).collect();
        let sent = headers.map(|(name, value)| format!("{name}: {value}"));
        assert_eq!(seen, sent);
    }
    bed.stop().await;
}
