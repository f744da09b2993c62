//! Failures in the words of gRPC, to those who understand them.

use std::sync::atomic::Ordering::SeqCst;

use bytes::Bytes;
use gateway_user::proxy::Limits;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;

use super::peer::{Caller, Server, bed, message, messages, nothing, rule, until};
use crate::{
    backend::refusing,
    bed::{Bed, Rule, To},
    raw::{ask, get},
};

#[tokio::test]
async fn what_the_proxy_answers_itself_has_a_status_of_grpc() {
    let at = |prefix, to: &[To]| Rule {
        prefix,
        filters: Vec::new(),
        to: to.to_vec(),
    };
    let server = Server::start().await;
    let rules = [
        at("/none", &[]),
        at("/invalid", &[To::Invalid(1)]),
        at("/empty", &[To::Http2(1, vec![])]),
        at("/refused", &[To::Http2(1, vec![refusing().await])]),
        at("/served", &[To::Http2(1, vec![server.address])]),
    ];
    let bed = Bed::of_calls(&rules, Limits::default());
    let mut caller = Caller::connect(bed.address).await;
    for (path, status) in [
        ("/none/Echo", "14"),
        ("/invalid/Echo", "14"),
        ("/empty/Echo", "14"),
        ("/refused/Echo", "14"),
        ("/else/Echo", "12"),
        // The backend's own.
        ("/served/NoSuchMethod", "5"),
    ] {
        let answer = caller.call(path, "hello").await;
        assert_eq!(answer, Err(format!("200 grpc-status {status}")), "{path}");
    }
    bed.stop().await;
}

#[tokio::test]
async fn the_status_comes_alone_with_a_message() {
    let bed = Bed::of_calls(&[], Limits::default());
    let mut caller = Caller::connect(bed.address).await;
    let answer = caller.send("/a.B/C", nothing()).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    assert_eq!(
        answer.headers()["grpc-message"],
        "no route for this host and path"
    );
    let collected = answer.into_body().collect().await.unwrap();
    assert!(collected.trailers().is_none());
    assert_eq!(collected.to_bytes(), Bytes::new());
    bed.stop().await;
}

#[tokio::test]
async fn other_clients_get_http() {
    let server = Server::start().await;
    let bed = Bed::of_calls(
        &[rule(To::Http2(1, vec![server.address]))],
        Limits::default(),
    );
    // gRPC cannot be spoken in HTTP/1.1.
    let call = "POST /a.B/C HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\n\
                content-length: 0\r\n\r\n";
    let answer = ask(bed.address, call).await;
    assert_eq!((answer.status, &*answer.body), (505, "gRPC needs HTTP/2\n"));
    bed.reload(&[]);
    assert_eq!(get(bed.address, "/").await.status, 404);
    let mut caller = Caller::connect(bed.address).await;
    let request = Request::post("http://a/a.B/C")
        .header("content-type", "application/grpc-web")
        .body(nothing())
        .unwrap();
    let answer = caller.request(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    bed.stop().await;
}

/// Messages that are announced never get to the server, others as far as they fit.
#[tokio::test]
async fn a_call_that_is_too_large_has_used_up_what_it_may() {
    let server = Server::start().await;
    let limits = Limits {
        body_bytes: 100,
        ..Limits::default()
    };
    let bed = bed(&[&server], limits);
    let mut caller = Caller::connect(bed.address).await;
    let large = "x".repeat(100);
    let refused = Err("200 grpc-status 8".to_owned());
    assert_eq!(caller.call("/a.B/Echo", &large).await, refused);
    assert_eq!(server.seen.calls.load(SeqCst), 0);

    let (sender, body) = messages();
    let mut other = caller.clone();
    let waiting = tokio::spawn(async move { other.send("/a.B/Wait", body).await.unwrap() });
    until("the call waits", || server.seen.waiting.load(SeqCst) == 1).await;
    sender.send(message(&large)).unwrap();
    let answer = waiting.await.unwrap();
    assert_eq!(answer.headers()["grpc-status"], HeaderValue::from(8));
    until("the call ends", || server.seen.waiting.load(SeqCst) == 0).await;
    let fits = "x".repeat(95);
    assert_eq!(caller.call("/a.B/Echo", &fits).await, Ok(fits));
    bed.stop().await;
}
