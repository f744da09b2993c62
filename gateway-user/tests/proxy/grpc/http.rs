//! HTTPRoutes to backends that speak HTTP/2.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use gateway_core::plan::Retry;
use gateway_user::proxy::Limits;

use super::peer::{Server, rule};
use crate::{
    bed::{Bed, To},
    limits,
    raw::{Raw, ask, get},
};

fn bed(server: &Server, limits: Limits) -> Bed {
    Bed::with_limits(&[rule(To::Http2(1, vec![server.address]))], limits)
}

#[tokio::test]
async fn http1_clients_reach_it() {
    let server = Server::start().await;
    let bed = bed(&server, Limits::default());
    let request = "PUT /Head?a=b HTTP/1.1\r\nhost: Shop.example:80\r\nconnection: x-secret\r\n\
                   x-secret: 1\r\nx-request-id: 7\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let answer = ask(bed.address, request).await;
    assert_eq!(answer.status, 200);
    let expected = "PUT http://Shop.example:80/Head?a=b\n\
                    x-forwarded-for: 127.0.0.1\n\
                    x-forwarded-host: Shop.example:80\n\
                    x-forwarded-proto: http\n\
                    x-request-id: 7\n";
    assert_eq!(answer.body, expected);
    let request = "POST /Echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
    let answer = ask(bed.address, request).await;
    assert!(answer.body.starts_with("hello"), "{answer:?}");
    assert_eq!(server.seen.connections.load(SeqCst), 1);
    bed.stop().await;
}

#[tokio::test]
async fn an_upgrade_is_refused() {
    let server = Server::start().await;
    let bed = bed(&server, Limits::default());
    let request = "GET /Echo HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n\
                   upgrade: websocket\r\n\r\n";
    let answer = ask(bed.address, request).await;
    assert_eq!(answer.status, 501);
    assert!(answer.body.contains("has no Upgrade"), "{answer:?}");
    assert_eq!(server.seen.calls.load(SeqCst), 0);
    assert_eq!(get(bed.address, "/Head").await.status, 200);
    bed.stop().await;
}

#[tokio::test]
async fn a_client_that_stops_in_its_body_is_told() {
    let server = Server::start().await;
    let limits = Limits {
        body_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let bed = bed(&server, limits);
    let mut raw = Raw::connect(bed.address).await;
    raw.send("POST /Wait HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc")
        .await;
    assert_eq!(raw.answer().await.unwrap().status, 408);
    bed.stop().await;
}

#[tokio::test]
async fn a_request_without_a_host_has_no_authority_to_send() {
    let server = Server::start().await;
    let bed = bed(&server, Limits::default());
    let answer = ask(bed.address, "GET /Head HTTP/1.0\r\n\r\n").await;
    assert_eq!(answer.status, 400);
    assert_eq!(server.seen.calls.load(SeqCst), 0);
    bed.stop().await;
}

/// HTTP/2 tells of a stream that was reset, not that the client was to blame.
#[tokio::test]
async fn what_the_client_did_wrong_is_not_repeated() {
    let server = Server::start().await;
    let rules = [rule(To::Http2(1, vec![server.address]))];
    let bounded = Limits {
        body_bytes: 1_000,
        ..Limits::default()
    };
    for attempts in [None, Some(3)] {
        let bed = Bed::edited_with(&rules, bounded.clone(), |rules, _| {
            rules[0].retry = attempts.map(|attempts| Retry {
                codes: vec![500],
                attempts,
                backoff: Duration::from_millis(1),
            });
        });
        let before = server.seen.calls.load(SeqCst);
        let wait = limits::chunked(1_001).replace("/ ", "/Wait ");
        assert_eq!(ask(bed.address, &wait).await.status, 413);
        let malformed = wait.replace("3e9", "3e9 x");
        assert_eq!(ask(bed.address, &malformed).await.status, 400);
        assert!(server.seen.calls.load(SeqCst) - before <= 2);
        bed.stop().await;
    }
}
