//! Where requests go, what is changed on the way, and what the proxy answers itself.

use gateway_core::plan::{HeaderEdit, HttpFilter, PathRewrite, Redirect, Scheme};
use http::{HeaderName, HeaderValue};

use crate::{
    backend::{Backend, refusing},
    bed::{Bed, Rule, To, rule},
    raw::{ask, get},
};

#[tokio::test]
async fn the_path_selects_the_backend() {
    let (a, b) = (Backend::start("a").await, Backend::start("b").await);
    let bed = Bed::start(&[rule("/a", a.address), rule("/b", b.address)]);
    for (path, status, backend) in [
        ("/a", 200, Some("a")),
        ("/a/x?y=1", 200, Some("a")),
        ("/b/", 200, Some("b")),
        ("/ab", 404, None),
        ("/", 404, None),
    ] {
        let answer = get(bed.address, path).await;
        assert_eq!(
            (answer.status, answer.header("x-backend")),
            (status, backend),
            "{path}"
        );
    }
    bed.stop().await;
}

#[tokio::test]
async fn without_a_usable_backend_the_status_says_why() {
    let only = |prefix, to: &[To]| Rule {
        prefix,
        filters: Vec::new(),
        to: to.to_vec(),
    };
    let bed = Bed::start(&[
        only("/none", &[]),
        only("/invalid", &[To::Invalid(1)]),
        only("/empty", &[To::Service(1, vec![])]),
        only("/zero", &[To::Service(0, vec![refusing().await])]),
        only("/refused", &[To::Service(1, vec![refusing().await])]),
        Rule {
            prefix: "/filter",
            filters: vec![HttpFilter::Invalid],
            to: vec![],
        },
    ]);
    for (path, status) in [
        ("/none", 500),
        ("/invalid", 500),
        ("/empty", 503),
        ("/zero", 500),
        ("/refused", 503),
        ("/filter", 500),
        ("/else", 404),
    ] {
        assert_eq!(get(bed.address, path).await.status, status, "{path}");
    }
    bed.stop().await;
}

#[tokio::test]
async fn weights_share_requests_and_invalid_references_keep_their_share() {
    let backend = Backend::start("a").await;
    let to = vec![To::Service(80, vec![backend.address]), To::Invalid(20)];
    let bed = Bed::start(&[Rule {
        prefix: "/",
        filters: Vec::new(),
        to,
    }]);
    let mut raw = crate::raw::Raw::connect(bed.address).await;
    let mut failed = 0;
    for _ in 0..1_000 {
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let answer = raw.answer().await.unwrap();
        assert!(matches!(answer.status, 200 | 500), "{answer:?}");
        failed += u32::from(answer.status == 500);
    }
    // Five standard deviations of a binomial distribution are 63.
    assert!((137..=263).contains(&failed), "{failed} of 1000");
    bed.stop().await;
}

#[tokio::test]
async fn a_connection_goes_to_another_endpoint_if_one_refuses() {
    let backend = Backend::start("a").await;
    let to = vec![To::Service(1, vec![refusing().await, backend.address])];
    let bed = Bed::start(&[Rule {
        prefix: "/",
        filters: Vec::new(),
        to,
    }]);
    for _ in 0..20 {
        assert_eq!(get(bed.address, "/").await.status, 200);
    }
    bed.stop().await;
}

#[tokio::test]
async fn a_redirect_is_answered_here() {
    let redirect = Redirect {
        scheme: Some(Scheme::Https),
        hostname: None,
        path: Some(PathRewrite::Prefix("/new".into())),
        port: None,
        status: 301,
    };
    let filters = vec![HttpFilter::Redirect(redirect)];
    let bed = Bed::start(&[Rule {
        prefix: "/old",
        filters,
        to: Vec::new(),
    }]);
    let answer = get(bed.address, "/old/x?q=1").await;
    assert_eq!(answer.status, 301);
    assert_eq!(
        answer.header("location"),
        Some("https://a.example/new/x?q=1")
    );
    bed.stop().await;
}

#[tokio::test]
async fn headers_are_edited_both_ways() {
    let pair = |name, value| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    let edit = |remove| HeaderEdit {
        set: vec![pair("x-set", "new")],
        add: vec![pair("x-add", "more")],
        remove: vec![HeaderName::from_static(remove)],
    };
    let backend = Backend::start("a").await;
    let filters = vec![
        HttpFilter::RequestHeaders(edit("x-gone")),
        HttpFilter::ResponseHeaders(edit("x-old")),
    ];
    let bed = Bed::start(&[Rule {
        filters,
        ..rule("/", backend.address)
    }]);
    let request = "GET / HTTP/1.1\r\nhost: a\r\nx-set: old\r\nx-add: one\r\nx-gone: 1\r\n\r\n";
    let answer = ask(bed.address, request).await;
    let seen = &answer.body;
    for line in ["x-set: new\n", "x-add: one\n", "x-add: more\n"] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    assert!(
        !seen.contains("x-gone") && !seen.contains("x-set: old"),
        "{seen}"
    );
    assert_eq!(answer.header("x-set"), Some("new"));
    assert_eq!(answer.header("x-add"), Some("more"));
    assert_eq!(answer.header("x-old"), None);
    bed.stop().await;
}

#[tokio::test]
async fn the_backend_learns_who_asked_and_nothing_of_the_connection() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let request = "GET http://b.example:81/x HTTP/1.1\r\nhost: a.example\r\n\
        x-forwarded-for: 198.51.100.1\r\nx-forwarded-proto: https\r\nconnection: x-secret, te\r\n\
        x-secret: 1\r\nkeep-alive: 5\r\nte: trailers, gzip\r\nproxy-connection: x\r\n\r\n";
    let seen = ask(bed.address, request).await.body;
    for line in [
        "GET /x\n",
        "host: b.example:81\n",
        "x-forwarded-for: 198.51.100.1, 127.0.0.1\n",
        "x-forwarded-proto: http\n",
        "x-forwarded-host: b.example:81\n",
        "te: trailers\n",
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    for absent in ["x-secret", "keep-alive", "proxy-connection", "gzip"] {
        assert!(!seen.contains(absent), "{absent} in {seen}");
    }
    bed.stop().await;
}
