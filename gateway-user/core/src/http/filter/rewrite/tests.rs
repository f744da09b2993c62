//! Hosts, paths and queries of rewritten requests.

use http::HeaderValue;

use super::*;
use crate::plan::{PathRewrite, Scheme};

fn rewritten(rewrite: &Rewrite, path: &str, query: Option<&str>, prefix: &str) -> (String, String) {
    let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("a.example:8080"))]);
    let mut uri = Uri::from_static("/unchanged");
    let from = Target {
        scheme: Scheme::Http,
        host: "a.example",
        port: 8080,
        path,
        query,
        prefix: Some(prefix),
    };
    assert!(apply(rewrite, &mut headers, &mut uri, &from));
    let host = headers[HOST].to_str().expect("text").to_owned();
    (host, uri.to_string())
}

#[test]
fn the_host_loses_the_port_of_the_request() {
    let rewrite = Rewrite {
        hostname: Some(HeaderValue::from_static("b.example")),
        path: None,
    };
    let expected = ("b.example".to_owned(), "/unchanged".to_owned());
    assert_eq!(rewritten(&rewrite, "/x", None, "/"), expected);
}

/// The table of the documentation of `HTTPPathModifier`, and what it leaves out.
#[test]
fn paths() {
    let prefix = |text: &str| PathRewrite::Prefix(text.into());
    let full = |text: &str| PathRewrite::Full(text.into());
    for (path, query, matched, with, expected) in [
        ("/foo/bar", None, "/foo", prefix("/xyz"), "/xyz/bar"),
        ("/foo/bar", None, "/foo", prefix("/xyz/"), "/xyz/bar"),
        ("/foo", None, "/foo", prefix("/xyz"), "/xyz"),
        ("/foo/", None, "/foo", prefix("/xyz"), "/xyz/"),
        ("/foo/bar", None, "/foo", prefix(""), "/bar"),
        ("/foo/", None, "/foo", prefix(""), "/"),
        ("/foo", None, "/foo", prefix(""), "/"),
        ("/foo/", None, "/foo", prefix("/"), "/"),
        ("/foo", None, "/foo", prefix("/"), "/"),
        ("/foo", Some("a=%2F&b"), "/foo", prefix("/x"), "/x?a=%2F&b"),
        ("/foo/%2e%2F", None, "/foo", prefix("/x"), "/x/%2e%2F"),
        ("/foo//bar", None, "/foo", prefix("/"), "//bar"),
        ("/foo", Some(""), "/foo", full("/x"), "/x?"),
        ("/foo/bar", Some("q"), "/foo", full("/x/"), "/x/?q"),
        ("/foo/bar", None, "/foo", full(""), "/"),
    ] {
        let rewrite = Rewrite {
            hostname: None,
            path: Some(with),
        };
        let (host, target) = rewritten(&rewrite, path, query, matched);
        assert_eq!(target, expected, "{path} {rewrite:?}");
        assert_eq!(host, "a.example:8080");
    }
}
