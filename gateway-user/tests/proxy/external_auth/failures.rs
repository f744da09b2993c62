//! Servers that are away, late or make no sense: nothing passes, and the log and the metrics say
//! whose fault it is.

use std::{net::SocketAddr, time::Duration};

use gateway_core::{
    balance::Share,
    plan::{AuthProtocol, HttpFilter, LogFormat, RouteKind, Target, Timeouts},
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::server::{Server, asking, auth, bare, edited};
use crate::{
    access_log::{Lines, logging},
    backend::{Backend, refusing},
    bed::{Bed, rule},
    raw::get,
};

/// A server that answers every request with these bytes, and closes.
async fn saying(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut piece = [0; 4096];
            if stream.read(&mut piece).await.is_ok() {
                // A proxy that goes away is no failure here.
                let _ = stream.write_all(bytes).await;
            }
        }
    });
    address
}

fn within(backend: &Backend, servers: &[SocketAddr], request: Duration) -> Bed {
    Bed::edited(&[rule("/", backend.address)], |rules, endpoints| {
        let auth = auth(endpoints, "auth", servers, AuthProtocol::Http(bare()));
        rules[0].filters = vec![HttpFilter::ExternalAuth(Box::new(auth))];
        rules[0].timeouts = Timeouts {
            request: Some(request),
            backend: None,
        };
    })
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_lets_nothing_through() {
    let backend = Backend::start("a").await;
    let switching =
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    let cases: [(&str, Vec<SocketAddr>, u16); 6] = [
        ("refuses connections", vec![refusing().await], 503),
        ("has no endpoint", vec![], 503),
        (
            "speaks another protocol",
            vec![saying(b"SSH-2.0-x\r\n").await],
            502,
        ),
        ("closes without an answer", vec![saying(b"").await], 503),
        (
            "breaks off within the head",
            vec![saying(b"HTTP/1.1 200 OK\r\nx-").await],
            503,
        ),
        ("switches protocols", vec![saying(switching).await], 502),
    ];
    for (what, servers, status) in cases {
        let bed = asking(&backend, &servers, AuthProtocol::Http(bare()));
        let answer = get(bed.address, "/").await;
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(
            answer.body, "whether this request is allowed cannot be found out now\n",
            "{what}"
        );
        assert_eq!(
            get(bed.address, "/open").await.status,
            200,
            "{what}: another rule"
        );
        bed.stop().await;
    }
    assert_eq!(backend.requests(), 6, "those of the other rule");
}

#[tokio::test]
async fn a_reference_that_is_invalid_lets_nothing_through() {
    let backend = Backend::start("a").await;
    let protocol = AuthProtocol::Http(bare());
    let bed = edited(&backend, &[], protocol, |auth| {
        auth.backend.target = Target::Invalid;
    });
    assert_eq!(get(bed.address, "/").await.status, 500);
    bed.stop().await;
    assert_eq!(backend.requests(), 0);
}

#[tokio::test]
async fn a_server_that_stalls_is_waited_for_as_long_as_the_route_allows() {
    let backend = Backend::start("a").await;
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let begun = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nwel").await;
    let bed = within(
        &backend,
        &[deaf.local_addr().unwrap()],
        Duration::from_millis(200),
    );
    let started = std::time::Instant::now();
    assert_eq!(get(bed.address, "/").await.status, 504);
    assert!(started.elapsed() < Duration::from_secs(3));
    bed.stop().await;
    assert_eq!(backend.requests(), 0);
    // The decision is in the head; nobody waits for the rest.
    let bed = within(&backend, &[begun], Duration::from_secs(60));
    assert_eq!(get(bed.address, "/").await.status, 200);
    bed.stop().await;
}

#[tokio::test]
async fn a_server_that_stalls_is_given_up_without_a_limit_of_the_route() {
    let backend = Backend::start("a").await;
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let servers = [deaf.local_addr().unwrap()];
    let bed = asking(&backend, &servers, AuthProtocol::Http(bare()));
    let started = std::time::Instant::now();
    assert_eq!(get(bed.address, "/").await.status, 504);
    let took = started.elapsed();
    assert!((4..9).contains(&took.as_secs()), "{took:?}");
    bed.stop().await;
    assert_eq!(backend.requests(), 0);
}

/// Question and request share the time of the route.
#[tokio::test]
async fn the_limit_of_the_route_is_for_both() {
    let backend = Backend::start("a").await;
    let slow = Backend::start("auth").await;
    let paths = |limit| within(&backend, &[slow.address], Duration::from_millis(limit));
    // Both take this long.
    let path = "/slow/300";
    let bed = paths(450);
    assert_eq!(get(bed.address, path).await.status, 504);
    bed.stop().await;
    let bed = paths(60_000);
    assert_eq!(get(bed.address, path).await.status, 200);
    bed.stop().await;
}

/// As for all backends: endpoints that take no connection are passed over.
#[tokio::test]
async fn another_endpoint_takes_the_place_of_one_that_is_down() {
    let backend = Backend::start("a").await;
    let (one, other) = (Server::allowing(&[]).await, Server::allowing(&[]).await);
    let servers = [one.address, refusing().await, other.address];
    let bed = asking(&backend, &servers, AuthProtocol::Http(bare()));
    for _ in 0..40 {
        assert_eq!(get(bed.address, "/").await.status, 200);
    }
    bed.stop().await;
    assert_eq!(one.questions() + other.questions(), 40);
    assert!(
        one.questions() > 5 && other.questions() > 5,
        "{}",
        one.questions()
    );
}

#[tokio::test]
async fn the_log_and_the_metrics_tell_denied_from_failed() {
    let backend = Backend::start("a").await;
    let (good, bad) = (Server::allowing(&[]).await, Server::denying().await);
    let down = refusing().await;
    let lines = Lines::default();
    let bed = Bed::new(
        gateway_user::proxy::Limits::default(),
        Box::new(lines.clone()),
    );
    let all = [
        ("/in", good.address),
        ("/out", bad.address),
        ("/down", down),
    ];
    let rules = all.map(|(prefix, _)| rule(prefix, backend.address));
    let none = Share {
        numerator: 0,
        denominator: 1,
    };
    let serve = |share| {
        bed.serve(
            RouteKind::Http,
            &rules,
            logging(LogFormat::Json, share),
            |rules, endpoints| {
                for (rule, (name, server)) in rules.iter_mut().zip(all) {
                    let auth = auth(endpoints, name, &[server], AuthProtocol::Http(bare()));
                    rule.filters = vec![HttpFilter::ExternalAuth(Box::new(auth))];
                }
            },
        );
    };
    serve(Share::ALL);
    for path in ["/in", "/out", "/down"] {
        get(bed.address, path).await;
    }
    serve(none);
    for path in ["/in", "/out", "/down"] {
        get(bed.address, path).await;
    }
    let mut registry = Registry::with_prefix("xdp_gateway");
    bed.proxy.metrics().register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    bed.stop().await;
    for outcome in ["allowed", "denied", "failed"] {
        let line = format!("xdp_gateway_http_external_auth_total{{outcome=\"{outcome}\"}} 2\n");
        assert!(text.contains(&line), "{line} in {text}");
    }
    let lines = lines.read();
    let flags = lines
        .iter()
        .map(|l| (l["path"].as_str(), l["flags"].as_str()));
    let expected = [
        (Some("/in"), None),
        (Some("/out"), Some("UAEX")),
        (Some("/down"), Some("UAF")),
        // The gateway's own failures are in samples of any size.
        (Some("/down"), Some("UAF")),
    ];
    assert_eq!(flags.collect::<Vec<_>>(), expected);
}

/// Clients of gRPC read failures in their own way.
#[tokio::test]
async fn a_call_is_told_of_a_failure_in_its_own_way() {
    let backend = Backend::start("a").await;
    let bed = asking(&backend, &[refusing().await], AuthProtocol::Http(bare()));
    let (mut sender, _connection) = crate::h2::connect(&bed).await;
    let mut request = crate::h2::post(
        "/a.B/C",
        http_body_util::BodyExt::boxed(http_body_util::Full::default()),
    );
    let call = http::HeaderValue::from_static("application/grpc");
    request.headers_mut().insert("content-type", call);
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["grpc-status"], "14");
    bed.stop().await;
    assert_eq!(backend.requests(), 0);
}
