//! Headers for pages of other origins.

use super::*;
use crate::plan::cors::{Origin, Origins};

const FOO: &str = "https://foo.com";

fn names(text: &'static str) -> Allowed {
    match text {
        "" => Allowed::Nothing,
        "*" => Allowed::All,
        names => Allowed::These(HeaderValue::from_static(names)),
    }
}

fn filter(origins: Origins, credentials: bool, all: &'static str) -> Cors {
    Cors {
        origins,
        credentials,
        methods: names(all),
        headers: names(all),
        expose: names(all),
        max_age: HeaderValue::from_static("5"),
    }
}

fn foo() -> Origins {
    Origins::These(vec![Origin::parse(FOO).expect("an origin")])
}

fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        let name = http::HeaderName::from_static(name);
        (name, HeaderValue::from_static(value))
    });
    pairs.collect()
}

fn asked(origin: &'static str) -> HeaderMap {
    map(&[
        ("origin", origin),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "x-a, authorization"),
    ])
}

#[test]
fn preflights_hear_what_is_allowed() {
    for (credentials, all, methods, headers) in [
        (false, "GET, PUT", Some("GET, PUT"), Some("GET, PUT")),
        (true, "*", Some("PUT"), Some("x-a, authorization")),
        (false, "*", Some("PUT"), Some("x-a, authorization")),
        (false, "", None, None),
    ] {
        let cors = filter(foo(), credentials, all);
        let answer = preflight(&cors, &Method::OPTIONS, &asked(FOO));
        let Some(Preflight::Allowed(answer)) = answer else {
            panic!("{answer:?}");
        };
        let text = |name| answer.get(name).map(|v| v.to_str().expect("text"));
        assert_eq!(text(ACCESS_CONTROL_ALLOW_METHODS), methods, "{all}");
        assert_eq!(text(ACCESS_CONTROL_ALLOW_HEADERS), headers, "{all}");
        assert_eq!(text(ACCESS_CONTROL_MAX_AGE), Some("5"));
    }
}

#[test]
fn all_headers_where_none_is_asked_for() {
    let request = map(&[("origin", FOO), ("access-control-request-method", "PUT")]);
    for (credentials, expected) in [(false, Some(&ALL)), (true, None)] {
        let cors = filter(Origins::All, credentials, "*");
        let answer = preflight(&cors, &Method::OPTIONS, &request);
        let Some(Preflight::Allowed(answer)) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(answer.get(ACCESS_CONTROL_ALLOW_HEADERS), expected);
    }
}

#[test]
fn other_requests_are_no_preflights() {
    let cors = filter(foo(), false, "*");
    let plain = map(&[("origin", FOO)]);
    let nobody = map(&[("access-control-request-method", "PUT")]);
    assert_eq!(preflight(&cors, &Method::GET, &asked(FOO)), None);
    assert_eq!(preflight(&cors, &Method::OPTIONS, &plain), None);
    assert_eq!(preflight(&cors, &Method::OPTIONS, &nobody), None);
    let foreign = preflight(&cors, &Method::OPTIONS, &asked("https://bar.com"));
    assert_eq!(foreign, Some(Preflight::Foreign));
}

#[test]
fn answers_tell_who_may_read_them() {
    let own = [
        ("access-control-allow-origin", "https://evil.com"),
        ("access-control-allow-credentials", "true"),
        ("vary", "accept-encoding"),
        ("x-a", "1"),
    ];
    let told = |cors: &Cors, origin: Option<&'static str>| {
        let mut headers = map(&own);
        share(
            cors,
            origin.map(HeaderValue::from_static).as_ref(),
            &mut headers,
        );
        let text = |name| {
            let values = headers.get_all(name).into_iter();
            let values: Vec<_> = values.map(|v| v.to_str().expect("text")).collect();
            values.join("|")
        };
        [
            text("access-control-allow-origin"),
            text("access-control-allow-credentials"),
            text("access-control-expose-headers"),
            text("vary"),
        ]
    };
    let vary = "accept-encoding|origin";
    let some = filter(foo(), false, "x-a, x-b");
    assert_eq!(told(&some, Some(FOO)), [FOO, "", "x-a, x-b", vary]);
    assert_eq!(told(&some, Some("https://bar.com")), ["", "", "", vary]);
    assert_eq!(told(&some, None), ["", "", "", vary]);
    let any = filter(Origins::All, false, "*");
    assert_eq!(told(&any, Some(FOO)), ["*", "", "*", "accept-encoding"]);
    let trusted = filter(Origins::All, true, "*");
    let [origin, credentials, exposed, varies] = told(&trusted, Some(FOO));
    assert_eq!((&*origin, &*credentials, &*varies), (FOO, "true", vary));
    assert!(
        exposed.contains("x-a") && !exposed.contains('*'),
        "{exposed}"
    );
}

#[test]
fn caches_are_told_once() {
    for known in ["Origin", "accept, ORIGIN", "*"] {
        let mut headers = map(&[("vary", known)]);
        share(&filter(foo(), false, ""), None, &mut headers);
        assert_eq!(headers.get_all(VARY).iter().collect::<Vec<_>>(), [known]);
    }
}
