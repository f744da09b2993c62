//! Messages in both directions at once, many streams, cancellation, readers that stall.

use std::{error::Error as _, sync::atomic::Ordering::SeqCst, time::Duration};

use gateway_user::proxy::Limits;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::peer::{Caller, Server, bed, message, next, nothing, until};

#[tokio::test]
async fn answers_come_before_the_request_ends() {
    let server = Server::start().await;
    let bed = bed(&[&server], Limits::default());
    let mut caller = Caller::connect(bed.address).await;
    let (messages, mut answer) = caller.open("/a.B/Echo").await;
    assert_eq!(next(&mut answer).await, Some(message("first")));
    for text in ["second", "third"] {
        messages.send(message(text)).unwrap();
        assert_eq!(next(&mut answer).await, Some(message(text)));
    }
    drop(messages);
    let trailers = answer.collect().await.unwrap();
    assert_eq!(trailers.trailers().unwrap()["grpc-status"], "0");
    bed.stop().await;
}

#[tokio::test]
async fn a_call_may_be_silent_before_its_answer() {
    let server = Server::start().await;
    let limits = Limits {
        body_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let bed = bed(&[&server], limits);
    let mut caller = Caller::connect(bed.address).await;
    let call = tokio::spawn(async move { caller.open("/a.B/Wait").await });
    until("the call waits", || server.seen.waiting.load(SeqCst) == 1).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(server.seen.waiting.load(SeqCst), 1, "it was given up");
    call.abort();
    bed.stop().await;
}

#[tokio::test]
async fn streams_are_spread_over_few_connections() {
    let server = Server::start().await;
    let limits = Limits {
        upstream_streams: 40,
        ..Limits::default()
    };
    let bed = bed(&[&server], limits);
    let mut caller = Caller::connect(bed.address).await;
    let mut open = Vec::new();
    for _ in 0..100 {
        let (messages, mut answer) = caller.open("/a.B/Echo").await;
        assert_eq!(next(&mut answer).await, Some(message("first")));
        open.push((messages, answer));
    }
    assert_eq!(server.seen.connections.load(SeqCst), 3);
    // Places that are free again are used again.
    drop(open);
    for _ in 0..100 {
        assert_eq!(
            caller.call("/a.B/Echo", "again").await.as_deref(),
            Ok("again")
        );
    }
    assert_eq!(server.seen.connections.load(SeqCst), 3);
    bed.stop().await;
}

#[tokio::test]
async fn the_servers_limit_of_streams_is_kept() {
    let server = Server::with_streams(10).await;
    let bed = bed(&[&server], Limits::default());
    let mut caller = Caller::connect(bed.address).await;
    let mut open = Vec::new();
    for _ in 0..25 {
        let (messages, mut answer) = caller.open("/a.B/Echo").await;
        assert_eq!(next(&mut answer).await, Some(message("first")));
        open.push((messages, answer));
    }
    assert_eq!(server.seen.connections.load(SeqCst), 3);
    bed.stop().await;
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_at_the_backend() {
    let server = Server::start().await;
    let bed = bed(&[&server], Limits::default());
    let mut caller = Caller::connect(bed.address).await;
    let mut waiting = caller.clone();
    let call = tokio::spawn(async move { waiting.send("/a.B/Wait", nothing()).await });
    until("the call waits", || server.seen.waiting.load(SeqCst) == 1).await;
    call.abort();
    until("the call is cancelled", || {
        server.seen.waiting.load(SeqCst) == 0
    })
    .await;
    // Also with a body that is not over.
    let mut waiting = caller.clone();
    let call = tokio::spawn(async move { waiting.open("/a.B/Wait").await });
    until("the call waits", || server.seen.waiting.load(SeqCst) == 1).await;
    call.abort();
    until("the call is cancelled", || {
        server.seen.waiting.load(SeqCst) == 0
    })
    .await;
    // And after the answer has begun.
    let zeros = caller.open("/a.B/Zeros").await;
    drop(zeros);
    assert_eq!(caller.call("/a.B/Echo", "on").await.as_deref(), Ok("on"));
    assert_eq!(server.seen.connections.load(SeqCst), 1, "others go on");
    bed.stop().await;
}

#[tokio::test]
async fn a_reset_by_the_backend_keeps_its_reason() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (_, mut respond) = connection.accept().await.unwrap().unwrap();
        let mut body = respond
            .send_response(http::Response::new(()), false)
            .unwrap();
        body.send_data(message("some"), false).unwrap();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            body.send_reset(h2::Reason::ENHANCE_YOUR_CALM);
        });
        while connection.accept().await.is_some() {}
    });
    let to = crate::bed::To::Http2(1, vec![address]);
    let bed = crate::bed::Bed::of_calls(&[super::peer::rule(to)], Limits::default());
    let mut caller = Caller::connect(bed.address).await;
    let mut answer = caller.send("/a.B/C", nothing()).await.unwrap().into_body();
    assert_eq!(next(&mut answer).await, Some(message("some")));
    let error = answer.frame().await.unwrap().unwrap_err();
    let reason = error.source().and_then(|e| e.downcast_ref::<h2::Error>());
    let reason = reason.and_then(h2::Error::reason);
    assert_eq!(reason, Some(h2::Reason::ENHANCE_YOUR_CALM));
    bed.stop().await;
}

#[tokio::test]
async fn a_call_may_end_before_its_request() {
    let server = Server::start().await;
    let bed = bed(&[&server], Limits::default());
    let mut caller = Caller::connect(bed.address).await;
    let (_messages, answer) = caller.open("/a.B/Early").await;
    let collected = timeout(Duration::from_secs(10), answer.collect()).await;
    let collected = collected.expect("the end in time").unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(collected.to_bytes(), message("early"));
    bed.stop().await;
}

#[tokio::test]
async fn readers_that_stall_stop_their_own_streams_only() {
    let server = Server::start().await;
    let bed = bed(&[&server], Limits::default());
    let mut stalled = Vec::new();
    for _ in 0..20 {
        // Each on a connection of its own, whose window is not the others'.
        let mut caller = Caller::connect(bed.address).await;
        stalled.push((caller.open("/a.B/Zeros").await, caller));
    }
    let mut last = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let written = server.seen.written.load(SeqCst);
        if written == last {
            break;
        }
        last = written;
    }
    assert!(last < 64 * 1024 * 1024, "{last} bytes were buffered");
    let mut caller = Caller::connect(bed.address).await;
    let long = "x".repeat(2 * 1024 * 1024);
    assert_eq!(caller.call("/a.B/Echo", &long).await, Ok(long));
    assert_eq!(server.seen.connections.load(SeqCst), 1);
    bed.stop().await;
}
