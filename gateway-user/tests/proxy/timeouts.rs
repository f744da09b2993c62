//! Time limits of routes: before an answer begins, and while it is on its way.

use std::time::Duration;

use gateway_core::plan::Timeouts;
use tokio::io::AsyncReadExt;

use crate::{
    backend::Backend,
    bed::{Bed, rule},
    raw::{Raw, ask, get},
};

const SHORT: Option<Duration> = Some(Duration::from_millis(200));
const LONG: Option<Duration> = Some(Duration::from_mins(5));

fn bed(backend: &Backend, request: Option<Duration>, backend_request: Option<Duration>) -> Bed {
    Bed::edited(&[rule("/", backend.address)], |rules, _| {
        rules[0].timeouts = Timeouts {
            request,
            backend: backend_request,
        };
    })
}

#[tokio::test]
async fn a_backend_that_is_late_costs_a_504() {
    let backend = Backend::start("a").await;
    for (request, backend_request) in [(SHORT, None), (None, SHORT), (LONG, SHORT)] {
        let bed = bed(&backend, request, backend_request);
        assert_eq!(get(bed.address, "/").await.status, 200);
        assert_eq!(get(bed.address, "/slow/60000").await.status, 504);
        // The connection was given up with the request.
        assert_eq!(get(bed.address, "/").await.status, 200);
        bed.stop().await;
    }
}

#[tokio::test]
async fn a_backend_that_is_in_time_is_not_disturbed() {
    let backend = Backend::start("a").await;
    for (request, backend_request) in [(None, None), (LONG, None), (LONG, LONG)] {
        let bed = bed(&backend, request, backend_request);
        assert_eq!(get(bed.address, "/slow/300").await.status, 200);
        bed.stop().await;
    }
}

#[tokio::test]
async fn a_client_that_never_sends_its_body_costs_a_504() {
    let backend = Backend::start("a").await;
    let bed = bed(&backend, SHORT, None);
    let answer = ask(
        bed.address,
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n",
    );
    assert_eq!(answer.await.status, 504);
    bed.stop().await;
}

/// The limit is for the whole exchange, and an answer that has begun can only be broken off.
#[tokio::test]
async fn an_answer_that_does_not_end_is_broken_off() {
    let backend = Backend::start("a").await;
    for (request, backend_request) in [(SHORT, None), (LONG, SHORT)] {
        let bed = bed(&backend, request, backend_request);
        let mut raw = Raw::connect(bed.address).await;
        raw.send("GET /stall HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let mut seen = String::new();
        let read = tokio::time::timeout(Duration::from_secs(10), raw.0.read_to_string(&mut seen));
        // How the connection ends is not the point, but the last chunk must not be there.
        let _ = read.await.expect("the end of the connection");
        assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
        assert!(
            seen.contains("begun") && !seen.ends_with("0\r\n\r\n"),
            "{seen}"
        );
        bed.stop().await;
    }
}
