//! Bodies that the server is shown, up to `forwardBody.maxSize`.

use std::time::Duration;

use gateway_core::plan::{AuthProtocol, Timeouts};

use super::server::{Server, answer, auth, bare, edited};
use crate::{
    backend::Backend,
    bed::{Bed, rule},
    raw::{Raw, ask},
};

fn showing(backend: &Backend, server: &Server, bytes: u16) -> Bed {
    let protocol = AuthProtocol::Http(bare());
    edited(backend, &[server.address], protocol, |auth| {
        auth.body_bytes = bytes;
    })
}

fn post(body: &str) -> String {
    let length = body.len();
    format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn a_body_that_fits_is_shown_whole_and_goes_on_whole() {
    let (backend, server) = (Backend::start("a").await, Server::allowing(&[]).await);
    let bed = showing(&backend, &server, 10);
    let trailers = "POST /trailers HTTP/1.1\r\nhost: a\r\nte: trailers\r\ntrailer: x-sum\r\n\
        transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\nx-sum: 17\r\n\r\n";
    let empty = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let mut raw = Raw::connect(bed.address).await;
    for (request, length) in [
        (&*post("0123456789"), 10),
        (&*post("012"), 3),
        (trailers, 10),
        (empty, 0),
        ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", 0),
    ] {
        raw.send(request).await;
        let seen = raw.answer().await.unwrap();
        let body = format!("body of {length} bytes\n");
        assert!(
            seen.status == 200 && seen.body.contains(&body),
            "{}",
            seen.body
        );
        let has_sum = seen.body.contains("x-sum: 17\n");
        assert_eq!(has_sum, request == trailers, "{}", seen.body);
    }
    bed.stop().await;
    let asked = server.asked();
    let shown: Vec<_> = asked.iter().map(|asked| &*asked.body).collect();
    let expected: [&[u8]; 5] = [b"0123456789", b"012", b"helloworld", b"", b""];
    assert_eq!(shown, expected);
    let lengths = asked.iter().map(|asked| asked.header("content-length"));
    let lengths: Vec<_> = lengths.flatten().collect();
    assert_eq!(lengths, ["10", "3", "10", "0", "0"]);
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_refused_and_nobody_is_asked() {
    let (backend, server) = (Backend::start("a").await, Server::allowing(&[]).await);
    let bed = showing(&backend, &server, 10);
    let chunked = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
        9\r\n012345678\r\n2\r\n9a\r\n0\r\n\r\n";
    for request in [&*post("0123456789a"), chunked] {
        let mut raw = Raw::connect(bed.address).await;
        raw.send(request).await;
        assert_eq!(raw.answer().await.unwrap().status, 413);
    }
    bed.stop().await;
    assert_eq!((backend.requests(), server.questions()), (0, 0));
}

#[tokio::test]
async fn a_denied_body_is_read_and_its_connection_goes_on() {
    let (backend, server) = (Backend::start("a").await, Server::denying().await);
    let bed = showing(&backend, &server, 10);
    let mut raw = Raw::connect(bed.address).await;
    for _ in 0..3 {
        raw.send(post("012345")).await;
        assert_eq!(raw.answer().await.unwrap().status, 401);
    }
    bed.stop().await;
    assert_eq!((backend.requests(), server.questions()), (0, 3));
}

#[tokio::test]
async fn a_client_that_waits_is_asked_for_its_body() {
    let (backend, server) = (Backend::start("a").await, Server::allowing(&[]).await);
    let bed = showing(&backend, &server, 10);
    let mut raw = Raw::connect(bed.address).await;
    raw.send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n")
        .await;
    assert_eq!(raw.answer().await.unwrap().status, 100);
    raw.send("hello").await;
    let seen = raw.answer().await.unwrap();
    assert!(seen.body.ends_with("body of 5 bytes\n"), "{}", seen.body);
    bed.stop().await;
    assert_eq!(&*server.asked()[0].body, b"hello");
}

#[tokio::test]
async fn a_body_that_does_not_come_holds_nobody_up() {
    let (backend, server) = (Backend::start("a").await, Server::allowing(&[]).await);
    let short = Duration::from_millis(200);
    let begun = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhe";
    let limits = gateway_user::proxy::Limits {
        body_timeout: short,
        ..gateway_user::proxy::Limits::default()
    };
    for (request, limits, status) in [
        (None, limits, 408),
        (Some(short), gateway_user::proxy::Limits::default(), 504),
    ] {
        let bed = Bed::edited_with(&[rule("/", backend.address)], limits, |rules, endpoints| {
            let protocol = AuthProtocol::Http(bare());
            let mut auth = auth(endpoints, "auth", &[server.address], protocol);
            auth.body_bytes = 10;
            rules[0].filters = vec![gateway_core::plan::HttpFilter::ExternalAuth(Box::new(auth))];
            rules[0].timeouts = Timeouts {
                request,
                backend: None,
            };
        });
        assert_eq!(ask(bed.address, begun).await.status, status);
        bed.stop().await;
    }
    let bed = showing(&backend, &server, 10);
    let malformed = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
    assert_eq!(ask(bed.address, malformed).await.status, 400);
    bed.stop().await;
    assert_eq!((backend.requests(), server.questions()), (0, 0));
}

/// A kept connection may close under a question; nothing but a question was asked on it.
#[tokio::test]
async fn a_question_with_a_body_is_asked_again_where_its_connection_breaks() {
    let backend = Backend::start("a").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let breaking = listener.local_addr().unwrap();
    let good = Server::start(|_| answer(200, &[], "")).await;
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut piece = [0; 64];
            tokio::io::AsyncReadExt::read(&mut stream, &mut piece)
                .await
                .unwrap();
        }
    });
    let protocol = AuthProtocol::Http(bare());
    let servers = [breaking, good.address];
    let bed = edited(&backend, &servers, protocol, |auth| auth.body_bytes = 10);
    for _ in 0..20 {
        assert_eq!(ask(bed.address, &post("0123")).await.status, 200);
    }
    bed.stop().await;
    assert_eq!((backend.requests(), good.questions()), (20, 20));
}
