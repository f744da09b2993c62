//! The tables of the API's documentation.

use super::*;
use crate::plan::PathRewrite;

const NOTHING: Redirect = Redirect {
    scheme: None,
    hostname: None,
    path: None,
    port: None,
    status: 302,
};

const FROM: Target<'static> = Target {
    scheme: Scheme::Http,
    host: "a.example",
    port: 80,
    path: "/foo/bar",
    query: None,
    prefix: Some("/foo"),
};

fn url(redirect: &Redirect, from: &Target<'_>) -> String {
    locate(redirect, from).url
}

#[test]
fn ports_and_schemes() {
    let (http, https) = (Some(Scheme::Http), Some(Scheme::Https));
    // Listener, scheme of the redirect, port of the redirect, beginning of the location.
    for (listener, port, scheme, to_port, expected) in [
        (Scheme::Http, 80, None, None, "http://a.example/"),
        (Scheme::Http, 8080, None, None, "http://a.example:8080/"),
        (Scheme::Https, 443, None, None, "https://a.example/"),
        (Scheme::Https, 8443, None, None, "https://a.example:8443/"),
        (Scheme::Http, 8080, https, None, "https://a.example/"),
        (Scheme::Https, 8443, http, None, "http://a.example/"),
        (
            Scheme::Http,
            80,
            https,
            Some(8443),
            "https://a.example:8443/",
        ),
        (Scheme::Http, 80, None, Some(8080), "http://a.example:8080/"),
        (Scheme::Http, 8080, None, Some(80), "http://a.example/"),
        (Scheme::Http, 8080, https, Some(443), "https://a.example/"),
        (Scheme::Http, 8080, http, Some(443), "http://a.example:443/"),
    ] {
        let redirect = Redirect {
            scheme,
            port: to_port,
            ..NOTHING
        };
        let from = Target {
            scheme: listener,
            port,
            path: "/",
            ..FROM
        };
        assert_eq!(
            url(&redirect, &from),
            expected,
            "{listener:?} {port} {scheme:?} {to_port:?}"
        );
    }
}

#[test]
fn prefixes() {
    for (path, prefix, replacement, expected) in [
        ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
        ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
        ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
        ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
        ("/foo", "/foo", "/xyz", "/xyz"),
        ("/foo/", "/foo", "/xyz", "/xyz/"),
        ("/foo/bar", "/foo", "", "/bar"),
        ("/foo/", "/foo", "", "/"),
        ("/foo", "/foo", "", "/"),
        ("/foo/", "/foo", "/", "/"),
        ("/foo", "/foo", "/", "/"),
        ("/foo/bar", "/", "/xyz", "/xyz/foo/bar"),
        ("/", "/", "/xyz", "/xyz/"),
    ] {
        let redirect = Redirect {
            path: Some(PathRewrite::Prefix(replacement.into())),
            ..NOTHING
        };
        let from = Target {
            path,
            prefix: Some(prefix),
            ..FROM
        };
        let expected = format!("http://a.example{expected}");
        assert_eq!(
            url(&redirect, &from),
            expected,
            "{path} {prefix} {replacement}"
        );
    }
}

#[test]
fn host_full_path_and_query() {
    let redirect = Redirect {
        hostname: Some("b.example".into()),
        path: Some(PathRewrite::Full("/new".into())),
        status: 308,
        ..NOTHING
    };
    let from = Target {
        query: Some("q=%20"),
        ..FROM
    };
    let expected = Location {
        status: 308,
        url: "http://b.example/new?q=%20".to_owned(),
    };
    assert_eq!(locate(&redirect, &from), expected);
}
