//! Requests that two parties could read in two ways never reach a backend.

use crate::{
    backend::Backend,
    bed::Bed,
    raw::{Raw, ask},
};

/// What is wrong, the request.
const AMBIGUOUS: &[(&str, &str)] = &[
    (
        "both framings",
        "host: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "both, reversed",
        "host: a\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    ),
    (
        "both, length 0",
        "host: a\r\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n0\r\n\r\n",
    ),
    (
        "both, odd case",
        "host: a\r\nTRANSFER-encoding: Chunked\r\nContent-LENGTH: 5\r\n\r\n0\r\n\r\n",
    ),
    (
        "two lengths",
        "host: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    ),
    (
        "list of lengths",
        "host: a\r\ncontent-length: 5, 5\r\n\r\nhello",
    ),
    (
        "signed length",
        "host: a\r\ncontent-length: +5\r\n\r\nhello",
    ),
    (
        "negative length",
        "host: a\r\ncontent-length: -5\r\n\r\nhello",
    ),
    (
        "hexadecimal length",
        "host: a\r\ncontent-length: 0x5\r\n\r\nhello",
    ),
    (
        "huge length",
        "host: a\r\ncontent-length: 99999999999999999999\r\n\r\nhello",
    ),
    (
        "two codings",
        "host: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "empty coding",
        "host: a\r\ntransfer-encoding: ,chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked twice",
        "host: a\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "two headers",
        "host: a\r\ntransfer-encoding: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "other coding",
        "host: a\r\ntransfer-encoding: identity\r\n\r\n",
    ),
    (
        "not quite chunked",
        "host: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "space before colon",
        "host: a\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "folded line",
        "host: a\r\ntransfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    ),
    ("no host", "accept: */*\r\n\r\n"),
    ("two hosts", "host: a\r\nhost: b\r\n\r\n"),
    ("same host twice", "host: a\r\nhost: a\r\n\r\n"),
    ("host with user", "host: u@a\r\n\r\n"),
    ("host with path", "host: a/b\r\n\r\n"),
    ("host with space", "host: a b\r\n\r\n"),
    ("bad port", "host: a:99999\r\n\r\n"),
];

#[tokio::test]
async fn ambiguous_requests_are_refused_and_the_connection_is_closed() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    for (what, rest) in AMBIGUOUS {
        let mut raw = Raw::connect(bed.address).await;
        raw.send(format!("POST / HTTP/1.1\r\n{rest}")).await;
        let answer = raw.answer().await;
        assert_eq!(answer.map(|a| a.status), Some(400), "{what}");
        assert!(raw.closes().await, "{what}: the connection stays open");
    }
    let old = "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(ask(bed.address, old).await.status, 400);
    assert_eq!(backend.requests(), 0);
    bed.stop().await;
}

#[tokio::test]
async fn only_the_ambiguous_one_of_pipelined_requests_is_refused() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut raw = Raw::connect(bed.address).await;
    let good =
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let (_, bad) = AMBIGUOUS[1];
    raw.send(format!("{good}{good}POST / HTTP/1.1\r\n{bad}{good}"))
        .await;
    for status in [200, 200, 400] {
        assert_eq!(raw.answer().await.map(|a| a.status), Some(status));
    }
    assert!(raw.closes().await);
    assert_eq!(backend.requests(), 2);
    bed.stop().await;
}

#[tokio::test]
async fn other_heads_that_are_refused() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let long = "x".repeat(40_000);
    for (request, status) in [
        (
            "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n".to_owned(),
            501,
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"),
            431,
        ),
        ("GET /\0 HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), 400),
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), 404),
    ] {
        let answer = ask(bed.address, &request).await;
        assert_eq!(
            answer.status,
            status,
            "{}",
            &request[..20.min(request.len())]
        );
    }
    assert_eq!(backend.requests(), 0);
    bed.stop().await;
}
