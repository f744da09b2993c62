//! Servers under a BackendTLSPolicy, asked by gRPC.

use gateway_core::http::auth::check::messages::OkHttpResponse;

use super::{
    calls::{ALL, Server},
    messages::{ok, set},
    server::edited,
};
use crate::{
    authority::{Authority, acceptor},
    backend::Backend,
    raw::get,
};

/// The names a server's certificate is for and is expected to be for, who is trusted, the status.
type Trust<'a> = (&'a str, &'a str, &'a Authority, u16);

#[tokio::test]
async fn calls_go_to_the_server_that_is_trusted_and_to_no_other() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let cases: [Trust<'_>; 3] = [
        ("auth.test", "auth.test", &authority, 200),
        ("auth.test", "other.test", &authority, 502),
        ("auth.test", "auth.test", &stranger, 502),
    ];
    for (name, expected, trusted, status) in cases {
        let backend = Backend::start("a").await;
        let acceptor = acceptor(&authority.sign(&[name]), None, &["h2"]);
        let allow = |_: &_| {
            ok(OkHttpResponse {
                headers: vec![set("x-user", "ann")],
                ..OkHttpResponse::default()
            })
        };
        let server = Server::secure(acceptor, allow).await;
        let bed = edited(&backend, &[server.address], ALL, |auth| {
            auth.backend.tls = Some(trusted.demand(expected, &[]));
        });
        let answer = get(bed.address, "/").await;
        bed.stop().await;
        let passed = usize::from(status == 200);
        assert_eq!(answer.status, status, "{expected}: {}", answer.body);
        assert_eq!((backend.requests(), server.calls()), (passed, passed));
        if status == 200 {
            assert!(answer.body.contains("x-user: ann\n"), "{}", answer.body);
            let asked = server.asked.lock().unwrap();
            assert_eq!(
                asked[0].0.uri,
                "https://auth.default:9000/envoy.service.auth.v3.Authorization/Check"
            );
        }
    }
}

/// A question shows credentials: it is never asked in the clear.
#[tokio::test]
async fn a_server_without_tls_is_not_asked() {
    let backend = Backend::start("a").await;
    let server = Server::start(|_| ok(OkHttpResponse::default())).await;
    let bed = edited(&backend, &[server.address], ALL, |auth| {
        auth.backend.tls = Some(Authority::new().demand("auth.test", &[]));
    });
    assert_eq!(get(bed.address, "/").await.status, 502);
    bed.stop().await;
    assert_eq!((backend.requests(), server.calls()), (0, 0));
}
