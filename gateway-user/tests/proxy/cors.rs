//! Pages of other origins: preflights that are answered here, and what other answers tell.

use std::sync::Arc;

use gateway_core::plan::{
    Cors, HttpFilter,
    cors::{Allowed, Origin, Origins},
};
use http::{HeaderValue, Method};

use crate::{
    backend::{Backend, refusing},
    bed::{Bed, rule},
    raw::{Answer, ask},
};

pub(crate) fn filter() -> HttpFilter {
    let origins = ["https://www.foo.com", "https://*.bar.com"];
    let origins = origins.map(|origin| Origin::parse(origin).unwrap());
    HttpFilter::Cors(Arc::new(Cors {
        origins: Origins::These(origins.to_vec()),
        credentials: true,
        methods: Allowed::These(HeaderValue::from_static("GET, OPTIONS")),
        headers: Allowed::These(HeaderValue::from_static("x-header-1, x-header-2")),
        expose: Allowed::These(HeaderValue::from_static("x-header-3")),
        max_age: HeaderValue::from_static("3600"),
    }))
}

async fn asked(bed: &Bed, method: &str, origin: &str) -> Answer {
    let request = format!(
        "{method} /x HTTP/1.1\r\nhost: a\r\norigin: {origin}\r\n\
         access-control-request-method: GET\r\n\r\n"
    );
    ask(bed.address, &request).await
}

fn told(answer: &Answer) -> [Option<&str>; 6] {
    [
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "access-control-allow-methods",
        "access-control-allow-headers",
        "access-control-expose-headers",
        "access-control-max-age",
    ]
    .map(|name| answer.header(name))
}

#[tokio::test]
async fn preflights_do_not_reach_the_backend() {
    let backend = Backend::start("a").await;
    let bed = Bed::edited(&[rule("/", backend.address)], |rules, _| {
        rules[0].filters = vec![filter()];
    });
    for origin in ["https://www.foo.com", "https://a.b.bar.com"] {
        let answer = asked(&bed, "OPTIONS", origin).await;
        assert_eq!(answer.status, 204);
        let expected = [
            Some(origin),
            Some("true"),
            Some("get, options"),
            Some("x-header-1, x-header-2"),
            Some("x-header-3"),
            Some("3600"),
        ];
        assert_eq!(told(&answer), expected);
        assert_eq!(answer.header("vary"), Some("origin"));
    }
    let answer = asked(&bed, "OPTIONS", "https://foobar.com").await;
    assert_eq!((answer.status, told(&answer)), (403, [None; 6]));
    assert_eq!(backend.requests(), 0);
    bed.stop().await;
}

#[tokio::test]
async fn other_requests_go_on_and_their_answers_tell_who_may_read_them() {
    let backend = Backend::start("a").await;
    let bed = Bed::edited(&[rule("/", backend.address)], |rules, _| {
        rules[0].filters = vec![filter()];
    });
    for (origin, expected) in [
        ("https://www.foo.com", Some("https://www.foo.com")),
        ("https://foobar.com", None),
    ] {
        let answer = asked(&bed, "GET", origin).await;
        assert_eq!((answer.status, told(&answer)[0]), (200, expected));
    }
    let plain = ask(
        bed.address,
        "OPTIONS / HTTP/1.1\r\nhost: a\r\norigin: https://www.foo.com\r\n\r\n",
    );
    assert!(plain.await.body.starts_with("OPTIONS /\n"));
    assert_eq!(backend.requests(), 3);
    bed.stop().await;
}

/// Else a page could not tell a backend that is away from a page that it may not read.
#[tokio::test]
async fn failures_can_be_read_as_well() {
    let bed = Bed::edited(&[rule("/", refusing().await)], |rules, _| {
        rules[0].filters = vec![filter()];
    });
    let answer = asked(&bed, "GET", "https://www.foo.com").await;
    assert_eq!(
        (answer.status, told(&answer)[0]),
        (503, Some("https://www.foo.com"))
    );
    bed.stop().await;
}

#[tokio::test]
async fn a_rule_for_one_method_takes_the_preflights_that_ask_for_it() {
    let backend = Backend::start("a").await;
    for (method, status) in [(Method::GET, 204), (Method::PUT, 404)] {
        let bed = Bed::edited(&[rule("/", backend.address)], |rules, _| {
            rules[0].filters = vec![filter()];
            rules[0].matches[0].method = Some(method);
        });
        let answer = asked(&bed, "OPTIONS", "https://www.foo.com").await;
        assert_eq!(answer.status, status);
        bed.stop().await;
    }
}
