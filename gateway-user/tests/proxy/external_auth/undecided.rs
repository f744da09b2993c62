//! Asked by gRPC, where the answer is no decision or there is none.

use std::{sync::Arc, time::Duration};

use gateway_core::{
    http::auth::check::messages::{CheckResponse, DeniedHttpResponse, OkHttpResponse, Status},
    plan::{AuthProtocol, HttpFilter, Timeouts},
};
use http::Response;
use http_body_util::{BodyExt, Full};
use prost::Message as _;
use tokio::net::TcpListener;

use super::{
    calls::{ALL, Answer, Server, framed, grpc},
    messages::{no, ok, set},
    server::{asking, auth, bare, edited},
};
use crate::{
    authority::{Authority, Secure},
    backend::{Backend, refusing},
    bed::{Bed, rule},
    raw::get,
};

type Case = (&'static str, Box<dyn Fn() -> Answer + Send + Sync>, u16);

fn good() -> Vec<u8> {
    framed(&ok(OkHttpResponse::default()).encode_to_vec())
}

/// Calls that fail, and answers that are not of gRPC.
fn failures() -> Vec<Case> {
    let html = |status| {
        let body = Full::from("<html>").boxed();
        Response::builder().status(status).body(body).unwrap()
    };
    vec![
        ("fails", Box::new(|| grpc(b"", Some("13"))), 502),
        ("is away", Box::new(|| grpc(b"", Some("14"))), 503),
        ("was late", Box::new(|| grpc(b"", Some("4"))), 504),
        (
            "allows and fails",
            Box::new(|| grpc(&good(), Some("2"))),
            502,
        ),
        ("has no status", Box::new(|| grpc(&good(), None)), 502),
        ("is not of gRPC", Box::new(move || html(200)), 502),
        ("is an error of HTTP", Box::new(move || html(404)), 502),
    ]
}

/// Calls that succeed without a decision, or with one that cannot be followed.
fn nonsense() -> Vec<Case> {
    let case =
        |what, body: Vec<u8>| -> Case { (what, Box::new(move || grpc(&body, Some("0"))), 502) };
    let smuggled = OkHttpResponse {
        headers: vec![set("content-length", "0")],
        ..OkHttpResponse::default()
    };
    let both = CheckResponse {
        status: Some(Status::default()),
        ..no(DeniedHttpResponse::default())
    };
    let cut = good()[..good().len() - 1].to_vec();
    vec![
        case("says nothing", Vec::new()),
        case("decides nothing", framed(b"")),
        case("is no message", framed(b"<html>")),
        case("is cut", cut),
        case("says both", framed(&both.encode_to_vec())),
        case("smuggles", framed(&ok(smuggled).encode_to_vec())),
        case("is endless", vec![0; (1 << 20) + 1]),
    ]
}

#[tokio::test]
async fn what_is_no_decision_lets_nothing_through() {
    let backend = Backend::start("a").await;
    let cases = failures().into_iter().chain(nonsense());
    for (what, answer, status) in cases {
        let answer = Arc::new(answer);
        let server = Server::raw(move |_| answer()).await;
        let bed = asking(&backend, &[server.address], ALL);
        assert_eq!(get(bed.address, "/").await.status, status, "{what}");
        bed.stop().await;
    }
    let server = Server::raw(|_| grpc(&good(), Some("0"))).await;
    let bed = asking(&backend, &[server.address], ALL);
    assert_eq!(
        get(bed.address, "/").await.status,
        200,
        "the same, if it is whole"
    );
    bed.stop().await;
    assert_eq!(backend.requests(), 1);
}

#[tokio::test]
async fn a_server_that_is_down_or_late_lets_nothing_through() {
    let backend = Backend::start("a").await;
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Its trailers never come.
    let stalling = Server::raw(|_| {
        let body = Full::from(good()).with_trailers(std::future::pending());
        let response = Response::builder().header("content-type", "application/grpc");
        response.body(body.boxed()).unwrap()
    });
    let stalling = stalling.await.address;
    // It speaks HTTP/1.1.
    let other = Backend::start("b").await.address;
    for (servers, status) in [
        (vec![refusing().await], 503),
        (vec![], 503),
        (vec![deaf.local_addr().unwrap()], 504),
        (vec![stalling], 504),
        (vec![other], 502),
    ] {
        let bed = Bed::edited(&[rule("/", backend.address)], |rules, endpoints| {
            let auth = auth(endpoints, "auth", &servers, ALL);
            rules[0].filters = vec![HttpFilter::ExternalAuth(Box::new(auth))];
            rules[0].timeouts = Timeouts {
                request: Some(Duration::from_millis(300)),
                backend: None,
            };
        });
        let answer = get(bed.address, "/").await.status;
        assert!(
            answer == status || (status == 502 && [503, 504].contains(&answer)),
            "{servers:?}: {answer}"
        );
        bed.stop().await;
    }
    assert_eq!(backend.requests(), 0);
}

/// TLS as to any backend: who is not who it shall be is not asked, least of all in the clear.
#[tokio::test]
async fn a_server_that_cannot_be_trusted_is_not_asked() {
    let backend = Backend::start("a").await;
    let authority = Authority::new();
    for (name, status) in [("auth.test", 200), ("other.test", 502)] {
        let server = Secure::start(&authority.sign(&["auth.test"]), None).await;
        let tls = authority.demand(name, &[]);
        let http = AuthProtocol::Http(bare());
        let bed = edited(&backend, &[server.address], http, |auth| {
            auth.backend.tls = Some(tls);
        });
        assert_eq!(get(bed.address, "/").await.status, status, "{name}");
        bed.stop().await;
    }
    assert_eq!(backend.requests(), 1);
}
