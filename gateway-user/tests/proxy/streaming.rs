//! Bodies larger than memory, slow readers, trailers, `Expect`.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

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

const MIB: u64 = 1024 * 1024;

#[tokio::test]
async fn a_large_answer_streams_and_a_stalled_reader_stops_the_backend() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut raw = Raw::connect(bed.address).await;
    raw.send(format!(
        "GET /zeros/{} HTTP/1.1\r\nhost: a\r\n\r\n",
        200 * MIB
    ))
    .await;
    // Nothing is read: what the backend gave out fits into socket buffers.
    let mut written = 0;
    loop {
        time::sleep(Duration::from_millis(300)).await;
        let now = backend.seen.written.load(SeqCst);
        if now == written && now > 0 {
            break;
        }
        written = now;
    }
    assert!(written < 32 * MIB, "{} MiB were buffered", written / MIB);
    let mut buffer = vec![0; 256 * 1024];
    let mut total = 0;
    while total < 200 * MIB {
        let count = raw.0.read(&mut buffer).await.unwrap();
        assert_ne!(count, 0, "the answer ended after {total} bytes");
        total += count as u64;
    }
    assert_eq!(backend.seen.written.load(SeqCst), 200 * MIB);
    drop(raw);
    bed.stop().await;
}

#[tokio::test]
async fn a_large_request_streams() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut raw = Raw::connect(bed.address).await;
    raw.send(format!(
        "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
        200 * MIB
    ))
    .await;
    let piece = vec![7; MIB as usize];
    for _ in 0..200 {
        raw.send(&piece).await;
    }
    let answer = raw.answer().await.unwrap();
    assert!(
        answer
            .body
            .ends_with(&format!("body of {} bytes\n", 200 * MIB)),
        "{answer:?}"
    );
    bed.stop().await;
}

#[tokio::test]
async fn chunks_and_trailers_pass_both_ways() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut raw = Raw::connect(bed.address).await;
    raw.send(
        "POST /trailers HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te\r\n\
        trailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n\
        3\r\nabc\r\n2\r\nde\r\n0\r\nx-sum: 17\r\n\r\n",
    )
    .await;
    let answer = raw.answer().await.unwrap();
    assert!(
        answer.body.contains("x-sum: 17\nbody of 5 bytes\n"),
        "{answer:?}"
    );
    assert!(answer.body.ends_with("x-checksum: 42\r\n"), "{answer:?}");
    bed.stop().await;
}

#[tokio::test]
async fn a_backend_that_says_length_and_chunks_is_not_cut_short() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bed = Bed::to(listener.local_addr().unwrap());
    let backend = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 1024]).await.unwrap(), 0);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n\
            3\r\nabc\r\n0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        stream
    });
    let answer = ask(bed.address, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!((answer.status, &*answer.body), (200, "abc"));
    drop(backend.await.unwrap());
    bed.stop().await;
}

#[tokio::test]
async fn a_get_may_have_a_chunked_body() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut raw = Raw::connect(bed.address).await;
    raw.send(
        "GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    )
    .await;
    let answer = raw.answer().await.unwrap();
    assert!(answer.body.ends_with("body of 3 bytes\n"), "{answer:?}");
    bed.stop().await;
}

#[tokio::test]
async fn a_head_request_has_the_length_but_no_body() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut raw = Raw::connect(bed.address).await;
    raw.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\nGET /next HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        tokio::io::AsyncBufReadExt::read_line(&mut raw.0, &mut head)
            .await
            .unwrap();
    }
    assert!(
        head.starts_with("HTTP/1.1 200") && head.contains("content-length: "),
        "{head}"
    );
    assert!(raw.answer().await.unwrap().body.starts_with("GET /next\n"));
    bed.stop().await;
}

#[tokio::test]
async fn expect_is_answered_before_the_body_is_sent() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut raw = Raw::connect(bed.address).await;
    raw.send("PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")
        .await;
    assert_eq!(raw.answer().await.unwrap().status, 100);
    raw.send("abc").await;
    let answer = raw.answer().await.unwrap();
    assert!(answer.body.ends_with("body of 3 bytes\n"), "{answer:?}");
    // Refused without asking for the body.
    let mut raw = Raw::connect(bed.address).await;
    bed.reload(&[]);
    raw.send("PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")
        .await;
    assert_eq!(raw.answer().await.unwrap().status, 404);
    bed.stop().await;
}
