//! Reloads, frontends that go away, and the end of the proxy.

use std::{sync::Arc, time::Duration};

use gateway_core::http::Table;
use tokio::{io::AsyncReadExt, time};

use crate::{
    backend::Backend,
    bed::{Bed, rule},
    raw::Raw,
};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn reloads_under_load_fail_no_request_and_drop_no_connection() {
    let (a, b) = (Backend::start("a").await, Backend::start("b").await);
    let bed = Bed::to(a.address);
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let address = bed.address;
            tokio::spawn(async move {
                let mut raw = Raw::connect(address).await;
                for n in 0..300 {
                    raw.send(GET).await;
                    let answer = raw.answer().await;
                    let status = answer.map(|answer| answer.status);
                    assert_eq!(status, Some(200), "request {n} of a connection");
                }
            })
        })
        .collect();
    for n in 0..50 {
        let backend = if n % 2 == 0 { &b } else { &a };
        bed.reload(&[rule("/", backend.address)]);
        time::sleep(Duration::from_millis(5)).await;
    }
    for client in clients {
        client.await.unwrap();
    }
    assert!(a.requests() > 0 && b.requests() > 0);
    assert_eq!(a.requests() + b.requests(), 2_400);
    bed.stop().await;
}

#[tokio::test]
async fn connections_end_with_their_frontend_after_the_request_in_flight() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut idle = Raw::connect(bed.address).await;
    idle.send(GET).await;
    assert_eq!(idle.answer().await.unwrap().status, 200);
    let mut busy = Raw::connect(bed.address).await;
    busy.send("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc")
        .await;
    time::sleep(Duration::from_millis(100)).await;
    bed.table.store(Arc::new(Table::default()));
    assert!(idle.closes().await);
    busy.send("def").await;
    let answer = busy.answer().await.unwrap();
    assert!(answer.body.ends_with("body of 6 bytes\n"), "{answer:?}");
    assert!(busy.closes().await);
    // New ones are closed without a word.
    let mut late = Raw::connect(bed.address).await;
    assert!(late.closes().await);
    bed.stop().await;
}

#[tokio::test]
async fn shutdown_lets_requests_finish() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut busy = Raw::connect(bed.address).await;
    busy.send("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc")
        .await;
    let mut idle = Raw::connect(bed.address).await;
    time::sleep(Duration::from_millis(100)).await;
    let stopping = tokio::spawn(bed.proxy.shutdown(Duration::from_secs(10)));
    assert!(idle.closes().await);
    assert!(!stopping.is_finished());
    busy.send("def").await;
    let answer = busy.answer().await.unwrap();
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    time::timeout(Duration::from_secs(3), stopping)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn shutdown_ends_at_its_deadline() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut busy = Raw::connect(bed.address).await;
    busy.send("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc")
        .await;
    time::sleep(Duration::from_millis(100)).await;
    let begun = time::Instant::now();
    bed.proxy.shutdown(Duration::from_millis(300)).await;
    assert!(
        (250..3_000).contains(&begun.elapsed().as_millis()),
        "{:?}",
        begun.elapsed()
    );
    assert!(matches!(busy.0.read(&mut [0; 16]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let backend = Backend::start("a").await;
    let limits = gateway_user::proxy::Limits {
        connections: 1,
        ..Default::default()
    };
    let bed = Bed::with_limits(&[rule("/", backend.address)], limits);
    let mut first = Raw::connect(bed.address).await;
    first.send(GET).await;
    assert_eq!(first.answer().await.unwrap().status, 200);
    let mut second = Raw::connect(bed.address).await;
    second.send(GET).await;
    assert!(
        time::timeout(Duration::from_millis(300), second.0.read_u8())
            .await
            .is_err()
    );
    drop(first);
    assert_eq!(second.0.read_u8().await.unwrap(), b'H');
    drop(second);
    bed.stop().await;
}
