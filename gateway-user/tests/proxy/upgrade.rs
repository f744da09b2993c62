//! WebSocket and other upgrades: a tunnel after the backend's 101, plain HTTP otherwise.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time,
};

use crate::{
    backend::Backend,
    bed::Bed,
    raw::{Raw, ask},
};

const UPGRADE: &str = "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\n\
    upgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test]
async fn bytes_pass_both_ways_after_a_101() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bed = Bed::to(listener.local_addr().unwrap());
    let backend = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let switch = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
            connection: upgrade\r\nsec-websocket-accept: x\r\n\r\nhi";
        stream.write_all(switch.as_bytes()).await.unwrap();
        let mut frame = [0; 5];
        stream.read_exact(&mut frame).await.unwrap();
        stream.write_all(&frame).await.unwrap();
        String::from_utf8(head).unwrap()
    });
    let mut raw = Raw::connect(bed.address).await;
    raw.send(UPGRADE).await;
    let answer = raw.answer().await.unwrap();
    assert_eq!(
        (answer.status, answer.header("upgrade")),
        (101, Some("websocket"))
    );
    raw.send("hello").await;
    let mut seen = String::new();
    raw.0.read_to_string(&mut seen).await.unwrap();
    assert_eq!(seen, "hihello");
    drop(raw);
    let head = backend.await.unwrap();
    assert!(head.contains("upgrade: websocket\r\n"), "{head}");
    assert!(head.contains("connection: upgrade\r\n"), "{head}");
    bed.stop().await;
}

#[tokio::test]
async fn shutdown_waits_for_tunnels() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bed = Bed::to(listener.local_addr().unwrap());
    let mut raw = Raw::connect(bed.address).await;
    raw.send(UPGRADE).await;
    let (mut backend, _) = listener.accept().await.unwrap();
    assert_ne!(backend.read(&mut [0; 1024]).await.unwrap(), 0);
    let switch = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    backend.write_all(switch).await.unwrap();
    assert_eq!(raw.answer().await.unwrap().status, 101);
    let stopping = tokio::spawn(bed.proxy.shutdown(Duration::from_secs(10)));
    time::sleep(Duration::from_millis(300)).await;
    backend.write_all(b"late").await.unwrap();
    let mut late = [0; 4];
    raw.0.read_exact(&mut late).await.unwrap();
    assert_eq!(&late, b"late");
    drop((raw, backend));
    time::timeout(Duration::from_secs(3), stopping)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn without_a_101_the_connection_stays_http() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut raw = Raw::connect(bed.address).await;
    for _ in 0..2 {
        raw.send(UPGRADE).await;
        assert_eq!(raw.answer().await.unwrap().status, 200);
    }
    bed.stop().await;
}

#[tokio::test]
async fn an_upgrade_that_connection_does_not_name_is_dropped() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let request = "GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\n\r\n";
    let seen = ask(bed.address, request).await.body;
    assert!(!seen.contains("upgrade"), "{seen}");
    bed.stop().await;
}

#[tokio::test]
async fn an_upgrade_to_http_2_is_no_way_round_the_routes() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\n\
        upgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n";
    let answer = ask(bed.address, request).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("upgrade"), "{}", answer.body);
    bed.stop().await;
}

#[tokio::test]
async fn a_101_that_nobody_asked_for_is_a_502() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bed = Bed::to(listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await;
        let switch =
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
        stream.write_all(switch).await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await;
    });
    let answer = ask(bed.address, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(answer.status, 502);
    bed.stop().await;
}
