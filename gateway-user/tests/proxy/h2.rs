//! HTTP/2 with prior knowledge in cleartext.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::{backend::Backend, bed::Bed};

pub(crate) type Sender = http2::SendRequest<BoxBody<Bytes, Infallible>>;

pub(crate) async fn connect(bed: &Bed) -> (Sender, tokio::task::JoinHandle<hyper::Result<()>>) {
    let stream = TcpStream::connect(bed.address).await.unwrap();
    let io = TokioIo::new(stream);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    (sender, tokio::spawn(connection))
}

pub(crate) fn post(
    path: &str,
    body: BoxBody<Bytes, Infallible>,
) -> Request<BoxBody<Bytes, Infallible>> {
    let uri = format!("http://h2.example{path}");
    Request::post(uri)
        .header("te", "trailers")
        .header("trailer", "x-sum")
        .body(body)
        .unwrap()
}

#[tokio::test]
async fn streams_of_one_connection_reach_the_backend() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let (sender, _connection) = connect(&bed).await;
    let mut answers = tokio::task::JoinSet::new();
    for n in 0..50 {
        let mut sender = sender.clone();
        let request = post(&format!("/{n}"), Full::from("hello").boxed());
        answers.spawn(async move { (n, sender.send_request(request).await.unwrap()) });
    }
    while let Some(answer) = answers.join_next().await {
        let (n, answer) = answer.unwrap();
        assert_eq!(answer.status(), 200);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body = std::str::from_utf8(&body).unwrap();
        assert!(body.starts_with(&format!("POST /{n}\n")), "{body}");
        assert!(body.contains("host: h2.example\n"), "{body}");
        assert!(body.ends_with("body of 5 bytes\n"), "{body}");
    }
    bed.stop().await;
}

#[tokio::test]
async fn trailers_cross_the_versions() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let (mut sender, _connection) = connect(&bed).await;
    let sum = (
        HeaderName::from_static("x-sum"),
        HeaderValue::from_static("17"),
    );
    let trailers = HeaderMap::from_iter([sum]);
    let body = Full::from("hello").with_trailers(std::future::ready(Some(Ok(trailers))));
    let answer = sender
        .send_request(post("/trailers", body.boxed()))
        .await
        .unwrap();
    let collected = answer.into_body().collect().await.unwrap();
    assert_eq!(
        collected
            .trailers()
            .and_then(|t| t.get("x-checksum"))
            .unwrap(),
        "42"
    );
    let text = collected.to_bytes();
    assert!(
        std::str::from_utf8(&text).unwrap().contains("x-sum: 17\n"),
        "{text:?}"
    );
    bed.stop().await;
}

#[tokio::test]
async fn own_answers_are_valid_http2() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let (mut sender, connection) = connect(&bed).await;
    let mut mismatch = post("/", Full::default().boxed());
    mismatch
        .headers_mut()
        .insert("host", HeaderValue::from_static("other.example"));
    assert_eq!(sender.send_request(mismatch).await.unwrap().status(), 400);
    // Streams of one connection are apart: the refusal of one leaves the others alone.
    let good = sender
        .send_request(post("/", Full::default().boxed()))
        .await
        .unwrap();
    assert_eq!(good.status(), 200);
    assert_eq!(backend.requests(), 1);
    drop(good);
    // GOAWAY: the client's connection ends well.
    bed.stop().await;
    connection.await.unwrap().unwrap();
}
