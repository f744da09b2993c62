//! Backends that go away: in order, or not.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use gateway_user::proxy::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::peer::{Caller, Server, bed, rule};
use crate::bed::{Bed, To};

const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
/// Last stream 0, no error: nothing was done with any request.
const GOAWAY: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A bed with one backend that reads a call to the end of `marker`, sends `reply` and closes;
/// connections after that are passed to `server`.
async fn start(marker: &'static str, reply: Vec<u8>, server: &Server) -> Bed {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let behind = server.address;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        let seen = |read: &[u8]| read.windows(marker.len()).any(|w| w == marker.as_bytes());
        while !seen(&read) {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
        }
        stream.write_all(&reply).await.unwrap();
        tokio::spawn(async move {
            // A reset would overtake the reply.
            while matches!(stream.read_buf(&mut read).await, Ok(1..)) {}
        });
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut behind = tokio::net::TcpStream::connect(behind).await.unwrap();
            tokio::spawn(async move {
                // Ends with either side.
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
            });
        }
    });
    Bed::of_calls(&[rule(To::Http2(1, vec![address]))], Limits::default())
}

#[tokio::test]
async fn a_call_that_is_handed_back_is_sent_again_with_its_message() {
    let server = Server::start().await;
    let bed = start("hello", [SETTINGS, GOAWAY].concat(), &server).await;
    let mut caller = Caller::connect(bed.address).await;
    let answer = caller.call("/a.B/Echo", "hello").await;
    assert_eq!(answer.as_deref(), Ok("hello"));
    assert_eq!(server.seen.calls.load(SeqCst), 1);
    bed.stop().await;
}

#[tokio::test]
async fn a_call_that_is_refused_is_sent_again_a_few_times() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let refused = Arc::new(AtomicUsize::new(0));
    let counted = refused.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            counted.fetch_add(1, SeqCst);
            respond.send_reset(h2::Reason::REFUSED_STREAM);
        }
    });
    let to = To::Http2(1, vec![address]);
    let bed = Bed::of_calls(&[rule(to)], Limits::default());
    let mut caller = Caller::connect(bed.address).await;
    let answer = caller.call("/a.B/Echo", "hello").await;
    assert_eq!(answer, Err("200 grpc-status 14".to_owned()));
    assert_eq!(refused.load(SeqCst), 3);
    bed.stop().await;
}

#[tokio::test]
async fn no_call_fails_when_a_backend_leaves() {
    let (leaving, staying) = (Server::start().await, Server::start().await);
    let bed = bed(&[&leaving, &staying], Limits::default());
    let caller = Caller::connect(bed.address).await;
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..20 {
        let mut caller = caller.clone();
        callers.spawn(async move {
            for m in 0..100 {
                let text = format!("{n} {m}");
                assert_eq!(caller.call("/a.B/Echo", &text).await, Ok(text));
            }
        });
    }
    super::peer::until("calls are under way", || {
        leaving.seen.calls.load(SeqCst) > 100
    })
    .await;
    leaving.leave();
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    assert!(leaving.seen.calls.load(SeqCst) > 100);
    assert!(staying.seen.calls.load(SeqCst) > 100);
    bed.stop().await;
}

#[tokio::test]
async fn a_call_that_may_have_been_served_is_not_sent_again() {
    // GOAWAY with an error after stream 1, and the end of the connection.
    let away = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let broken = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.windows(5).any(|w| w == b"hello") {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
        }
        stream.write_all(&[SETTINGS, &away].concat()).await.unwrap();
        drop(stream);
        listener.accept().await.unwrap();
        panic!("it was sent again");
    });
    let to = To::Http2(1, vec![address]);
    let bed = Bed::of_calls(&[rule(to)], Limits::default());
    let mut caller = Caller::connect(bed.address).await;
    let answer = caller.call("/a.B/Echo", "hello").await;
    assert_eq!(answer, Err("200 grpc-status 14".to_owned()));
    assert!(!broken.is_finished());
    broken.abort();
    bed.stop().await;
}
