//! The order of precedence, one step at a time.

use http::{HeaderName, Method};
use regex::Regex;

use super::*;
use crate::plan::{HeaderMatch, QueryMatch, ValueMatch};

fn route(name: &str, created: Option<i64>) -> HttpRoute {
    let (namespace, name) = name.split_once('/').unwrap();
    HttpRoute {
        name: ObjectName::new(namespace, name),
        created,
        hostnames: Vec::new(),
        rules: Vec::new(),
    }
}

fn matching(path: PathMatch, method: bool, headers: usize, query: usize) -> HttpMatch {
    let value = || ValueMatch::Exact("1".into());
    let header = HeaderMatch {
        name: HeaderName::from_static("x"),
        value: value(),
    };
    let parameter = QueryMatch {
        name: "x".into(),
        value: value(),
    };
    HttpMatch {
        path,
        method: method.then_some(Method::GET),
        headers: vec![header; headers],
        query: vec![parameter; query],
    }
}

#[test]
fn each_field_decides_only_where_those_before_it_are_equal() {
    let prefix = |text: &str| PathMatch::Prefix(text.into());
    let exact = PathMatch::Exact("/a".into());
    let regex = PathMatch::Regex(Regex::new("^/a$").unwrap());
    let (old, new) = (route("b/b", Some(1)), route("a/a", Some(2)));
    let (unknown, later) = (route("a-b/x", None), route("a/x", None));
    // From the winner to the last.
    let ranks = [
        (
            "exact",
            Rank::new(&unknown, 9, 9, &matching(exact, false, 0, 0)),
        ),
        (
            "regex",
            Rank::new(&unknown, 9, 9, &matching(regex, false, 0, 0)),
        ),
        (
            "longer prefix",
            Rank::new(&unknown, 9, 9, &matching(prefix("/abc"), false, 0, 0)),
        ),
        (
            "method",
            Rank::new(&unknown, 9, 9, &matching(prefix("/ab"), true, 0, 0)),
        ),
        (
            "two headers",
            Rank::new(&unknown, 9, 9, &matching(prefix("/ab"), false, 2, 0)),
        ),
        (
            "one header, query",
            Rank::new(&unknown, 9, 9, &matching(prefix("/ab"), false, 1, 2)),
        ),
        (
            "one header",
            Rank::new(&unknown, 9, 9, &matching(prefix("/ab"), false, 1, 0)),
        ),
        (
            "query",
            Rank::new(&unknown, 9, 9, &matching(prefix("/ab"), false, 0, 1)),
        ),
        (
            "older",
            Rank::new(&old, 9, 9, &matching(prefix("/ab"), false, 0, 0)),
        ),
        (
            "newer",
            Rank::new(&new, 0, 0, &matching(prefix("/ab"), false, 0, 0)),
        ),
        // As texts: `-` comes before `/`.
        (
            "first name",
            Rank::new(&unknown, 9, 9, &matching(prefix("/ab"), false, 0, 0)),
        ),
        (
            "rule 1 match 2",
            Rank::new(&later, 1, 2, &matching(prefix("/ab"), false, 0, 0)),
        ),
        (
            "rule 2 match 0",
            Rank::new(&later, 2, 0, &matching(prefix("/ab"), false, 0, 0)),
        ),
        (
            "rule 2 match 1",
            Rank::new(&later, 2, 1, &matching(prefix("/ab"), false, 0, 0)),
        ),
    ];
    for pair in ranks.windows(2) {
        assert!(
            pair[0].1 < pair[1].1,
            "{} must win over {}",
            pair[0].0,
            pair[1].0
        );
    }
}
