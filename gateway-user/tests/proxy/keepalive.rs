//! Connections that carry more than one request, on both sides.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use gateway_core::{balance::Share, plan::LogFormat};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    access_log::{Lines, logging},
    backend::Backend,
    bed::{Bed, Rule, To, rule},
    raw::Raw,
};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut raw = Raw::connect(bed.address).await;
    let requests = (0..20).map(|n| format!("GET /{n} HTTP/1.1\r\nhost: a\r\n\r\n"));
    raw.send(requests.collect::<String>()).await;
    for n in 0..20 {
        let answer = raw.answer().await.unwrap();
        assert!(
            answer.body.starts_with(&format!("GET /{n}\n")),
            "{answer:?}"
        );
    }
    bed.stop().await;
}

#[tokio::test]
async fn one_upstream_connection_serves_requests_in_turn() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    for _ in 0..10 {
        let mut raw = Raw::connect(bed.address).await;
        raw.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc")
            .await;
        assert_eq!(raw.answer().await.unwrap().status, 200);
    }
    assert_eq!(backend.seen.connections.load(SeqCst), 1);
    bed.stop().await;
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_does_not_poison_the_pool() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut raw = Raw::connect(bed.address).await;
    raw.send("POST /ignore-body HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc")
        .await;
    let answer = raw.answer().await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "early"));
    for _ in 0..3 {
        let mut raw = Raw::connect(bed.address).await;
        raw.send(GET).await;
        assert_eq!(raw.answer().await.unwrap().status, 200);
    }
    drop(raw);
    bed.stop().await;
}

/// A backend that answers one request per connection, and closes when the second one arrives.
async fn forgetful() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let count = count.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                count.fetch_add(1, SeqCst);
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer).await.unwrap();
                let _ = stream.read(&mut buffer).await;
                count.fetch_add(1, SeqCst);
            });
        }
    });
    (address, seen)
}

#[tokio::test]
async fn a_stale_connection_is_replaced_under_an_idempotent_request() {
    let (address, seen) = forgetful().await;
    let bed = Bed::to(address);
    let mut raw = Raw::connect(bed.address).await;
    for _ in 0..5 {
        raw.send(GET).await;
        assert_eq!(raw.answer().await.unwrap().status, 200);
    }
    // The first connection saw two requests, and so did each one that was opened for a retry.
    assert_eq!(seen.load(SeqCst), 9);
    bed.stop().await;
}

/// A backend that stops listening with its first connection, answers one request on it, and closes
/// it when the second one arrives.
async fn ending() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        drop(listener);
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer).await;
        count.fetch_add(1, SeqCst);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        stream.write_all(answer).await.unwrap();
        let _ = stream.read(&mut buffer).await;
        count.fetch_add(1, SeqCst);
    });
    (address, seen)
}

#[tokio::test]
async fn a_stale_connection_to_an_endpoint_that_is_gone_is_replaced_by_one_to_another() {
    let (address, seen) = ending().await;
    let other = Backend::start("a").await;
    let both = vec![address, other.address];
    let rules = [Rule {
        to: vec![To::Service(1, both)],
        ..rule("/", address)
    }];
    let lines = Lines::default();
    let logging = logging(LogFormat::Json, Share::ALL);
    let bed = Bed::with_parameters(&rules, logging, Box::new(lines.clone()));
    let mut raw = Raw::connect(bed.address).await;
    // Endpoints are chosen at random.
    while seen.load(SeqCst) < 2 {
        raw.send(GET).await;
        assert_eq!(raw.answer().await.unwrap().status, 200);
    }
    bed.stop().await;
    // Whoever answered is named, not whoever was asked first.
    let lines = lines.read();
    let of = |address: SocketAddr| {
        let address = address.to_string();
        lines.iter().filter(|l| l["upstream"] == address).count()
    };
    assert_eq!((of(address), of(other.address)), (1, other.requests()));
}

#[tokio::test]
async fn a_request_that_may_have_had_effects_is_not_sent_twice() {
    let (address, seen) = forgetful().await;
    let bed = Bed::to(address);
    let mut raw = Raw::connect(bed.address).await;
    let post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    raw.send(post).await;
    assert_eq!(raw.answer().await.unwrap().status, 200);
    raw.send(post).await;
    assert_eq!(raw.answer().await.unwrap().status, 502);
    assert_eq!(seen.load(SeqCst), 2);
    bed.stop().await;
}

#[tokio::test]
async fn an_old_client_gets_an_answer_that_ends_with_the_connection() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut raw = Raw::connect(bed.address).await;
    raw.send("GET /zeros/1000 HTTP/1.0\r\n\r\n").await;
    let mut answer = Vec::new();
    raw.0.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8(answer).unwrap();
    assert!(text.starts_with("HTTP/1.0 200 OK\r\n"), "{text}");
    assert!(!text.contains("transfer-encoding"), "{text}");
    assert!(
        text.ends_with(&format!("\r\n\r\n{}", "\0".repeat(1_000))),
        "{text}"
    );
    bed.stop().await;
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let backend = Backend::start("a").await;
    let limits = gateway_user::proxy::Limits {
        idle_timeout: std::time::Duration::from_millis(200),
        ..Default::default()
    };
    let bed = Bed::with_limits(&[rule("/", backend.address)], limits);
    let mut raw = Raw::connect(bed.address).await;
    raw.send(GET).await;
    assert_eq!(raw.answer().await.unwrap().status, 200);
    assert!(raw.closes().await);
    // A head that never ends, as the first of its connection and as the second.
    let mut raw = Raw::connect(bed.address).await;
    raw.send("GET / HTTP/1.1\r\nhost:").await;
    assert!(raw.closes().await);
    let mut raw = Raw::connect(bed.address).await;
    raw.send(GET).await;
    assert_eq!(raw.answer().await.unwrap().status, 200);
    raw.send("GET / HTTP/1.1\r\nhost:").await;
    assert!(raw.closes().await);
    bed.stop().await;
}
