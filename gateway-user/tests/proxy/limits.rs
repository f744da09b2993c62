//! Requests that are larger than a Gateway takes: 414 and 413.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use gateway_user::proxy::Limits;
use http_body_util::{BodyExt, Full};

use crate::{
    backend::{Backend, Unsized},
    bed::{Bed, rule},
    h2::{connect, post},
    raw::{Raw, ask, get},
};

const TOO_LARGE: &str = "the request's body is larger than this gateway takes\n";

fn bed(backend: &Backend) -> Bed {
    let limits = Limits {
        target_bytes: 300,
        body_bytes: 1_000,
        ..Limits::default()
    };
    Bed::with_limits(&[rule("/", backend.address)], limits)
}

/// A POST with one chunk of so many bytes.
pub(crate) fn chunked(bytes: usize) -> String {
    format!(
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
         {bytes:x}\r\n{}\r\n0\r\n\r\n",
        "x".repeat(bytes)
    )
}

#[tokio::test]
async fn a_target_that_is_too_long_is_refused() {
    let backend = Backend::start("a").await;
    let bed = bed(&backend);
    let path = |length: usize| format!("/{}?q", "x".repeat(length - 3));
    let mut raw = Raw::connect(bed.address).await;
    for (length, status) in [(300, 200), (301, 414), (300, 200)] {
        let path = path(length);
        raw.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        let answer = raw.answer().await.expect("the connection goes on");
        assert_eq!(answer.status, status, "{length}");
    }
    let (mut sender, _connection) = connect(&bed).await;
    for (length, status) in [(301, 414), (300, 200)] {
        let request = post(&path(length), Full::default().boxed());
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), status, "{length}");
    }
    assert_eq!(backend.requests(), 3);
    bed.stop().await;
}

#[tokio::test]
async fn targets_of_8_kib_pass_by_default() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    for (length, status) in [(8_192, 200), (8_193, 414)] {
        let path = format!("/{}", "x".repeat(length - 1));
        assert_eq!(get(bed.address, &path).await.status, status);
    }
    bed.stop().await;
}

#[tokio::test]
async fn an_announced_body_that_is_too_large_never_gets_to_the_backend() {
    let backend = Backend::start("a").await;
    let bed = bed(&backend);
    let post = |length: usize| {
        let body = "x".repeat(length);
        format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    let mut raw = Raw::connect(bed.address).await;
    raw.send(post(1_000)).await;
    assert_eq!(raw.answer().await.unwrap().status, 200);
    raw.send(post(1_001)).await;
    let answer = raw.answer().await.unwrap();
    assert_eq!((answer.status, &*answer.body), (413, TOO_LARGE));
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(raw.closes().await);
    assert_eq!(backend.requests(), 1);
    assert_eq!(backend.seen.read.load(SeqCst), 1_000);
    bed.stop().await;
}

/// It would not, if what is left of its body reset the connection.
#[tokio::test]
async fn a_client_that_sends_everything_first_gets_its_answer() {
    let backend = Backend::start("a").await;
    let bed = bed(&backend);
    let length = 20_000_000;
    let body = "x".repeat(length);
    let head = "POST / HTTP/1.1\r\nhost: a\r\n";
    for request in [
        format!("{head}content-length: {length}\r\n\r\n{body}"),
        format!("{head}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"),
    ] {
        assert_eq!(ask(bed.address, &request).await.status, 413);
    }
    bed.stop().await;
}

#[tokio::test]
async fn a_client_that_asks_first_need_not_send_a_body_that_is_too_large() {
    let backend = Backend::start("a").await;
    let bed = bed(&backend);
    let mut raw = Raw::connect(bed.address).await;
    raw.send("PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1001\r\n\r\n")
        .await;
    assert_eq!(raw.answer().await.unwrap().status, 413);
    assert!(raw.closes().await);
    bed.stop().await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_broken_off_where_it_is_too_large() {
    let backend = Backend::start("a").await;
    let bed = bed(&backend);
    let mut raw = Raw::connect(bed.address).await;
    raw.send(chunked(1_000)).await;
    assert_eq!(raw.answer().await.unwrap().status, 200);
    raw.send(chunked(1_001)).await;
    let answer = raw.answer().await.unwrap();
    assert_eq!((answer.status, &*answer.body), (413, TOO_LARGE));
    assert!(raw.closes().await);
    assert!(backend.seen.read.load(SeqCst) <= 2_000);
    // The backend's connection is in the middle of a request, so the next one has its own.
    assert_eq!(get(bed.address, "/").await.status, 200);
    assert_eq!(backend.seen.connections.load(SeqCst), 2);
    bed.stop().await;
}

#[tokio::test]
async fn an_answer_that_has_begun_is_broken_off_with_the_body() {
    let backend = Backend::start("a").await;
    let bed = bed(&backend);
    let mut raw = Raw::connect(bed.address).await;
    raw.send("POST /stall HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        .await;
    let mut head = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut raw.0, &mut head)
        .await
        .unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    raw.send(format!("3e8\r\n{}\r\n", "x".repeat(1_000))).await;
    let mut rest = Vec::new();
    let end = tokio::io::AsyncReadExt::read_to_end(&mut raw.0, &mut rest);
    let end = tokio::time::timeout(Duration::from_secs(10), end).await;
    end.expect("the connection ends").ok();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "it looks whole");
    bed.stop().await;
}

#[tokio::test]
async fn streams_that_are_too_large_leave_the_others_alone() {
    let backend = Backend::start("a").await;
    let bed = bed(&backend);
    let (mut sender, _connection) = connect(&bed).await;
    let body = |length| Full::from("x".repeat(length));
    let announced = sender.send_request(post("/", body(1_001).boxed()));
    assert_eq!(announced.await.unwrap().status(), 413);
    assert_eq!(backend.requests(), 0);
    let unknown = sender.send_request(post("/", Unsized(body(1_001)).boxed()));
    assert_eq!(unknown.await.unwrap().status(), 413);
    let fits = sender.send_request(post("/", Unsized(body(1_000)).boxed()));
    assert_eq!(fits.await.unwrap().status(), 200);
    bed.stop().await;
}
