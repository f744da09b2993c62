//! The order of precedence, one step at a time.

use http::{HeaderName, Method};
use regex::Regex;

use super::*;
use crate::plan::{HeaderMatch, MethodPattern, QueryMatch, RouteKind, ValueMatch};

fn route(name: &str, created: Option<i64>) -> HttpRoute {
    let (namespace, name) = name.split_once('/').unwrap();
    HttpRoute {
        kind: RouteKind::Http,
        name: ObjectName::new(namespace, name),
        created,
        hostnames: Vec::new(),
        rules: Vec::new(),
    }
}

/// `what` is how many methods, headers and query parameters are asked for.
fn matching(path: PathMatch, what: [usize; 3]) -> HttpMatch {
    let [method, headers, query] = what;
    let value = || ValueMatch::Exact("1".into());
    let name = HeaderName::from_static("x");
    let header = HeaderMatch {
        name,
        value: value(),
    };
    let parameter = QueryMatch {
        name: "x".into(),
        value: value(),
    };
    HttpMatch {
        path,
        method: (method > 0).then_some(Method::GET),
        headers: vec![header; headers],
        query: vec![parameter; query],
    }
}

#[test]
fn each_field_decides_only_where_those_before_it_are_equal() {
    let prefix = |text: &str| PathMatch::Prefix(text.into());
    let regex = PathMatch::Regex(Regex::new("^/a$").unwrap());
    let pattern = |any_service, any_method| {
        PathMatch::Method(MethodPattern {
            regex: Regex::new("^/[^/]+/a$").unwrap(),
            any_service,
            any_method,
        })
    };
    let (old, new) = (route("b/b", Some(1)), route("a/a", Some(2)));
    let (unknown, later) = (route("a-b/x", None), route("a/x", None));
    let paths = |path, what| Rank::new(&unknown, 9, 9, &matching(path, what));
    let ties = |route, rule, position| {
        let of = matching(prefix("/ab"), [0, 0, 0]);
        Rank::new(route, rule, position, &of)
    };
    // From the winner to the last.
    let ranks = [
        ("exact", paths(PathMatch::Exact("/a".into()), [0, 0, 0])),
        ("regex", paths(regex, [0, 0, 0])),
        ("longer prefix", paths(prefix("/abc"), [0, 0, 0])),
        ("method", paths(prefix("/ab"), [1, 0, 0])),
        ("two headers", paths(prefix("/ab"), [0, 2, 0])),
        ("one header and a query", paths(prefix("/ab"), [0, 1, 2])),
        ("one header", paths(prefix("/ab"), [0, 1, 0])),
        ("query", paths(prefix("/ab"), [0, 0, 1])),
        ("older", ties(&old, 9, 9)),
        ("newer", ties(&new, 0, 0)),
        // As texts: `-` comes before `/`.
        ("first name", ties(&unknown, 9, 9)),
        ("rule 1 match 2", ties(&later, 1, 2)),
        ("rule 2 match 0", ties(&later, 2, 0)),
        ("rule 2 match 1", ties(&later, 2, 1)),
        (
            "service and method",
            paths(pattern(false, false), [1, 0, 0]),
        ),
        ("service", paths(pattern(false, true), [1, 9, 0])),
        (
            "method of any service",
            paths(pattern(true, false), [1, 9, 0]),
        ),
        ("everything", paths(prefix("/"), [1, 9, 9])),
    ];
    for pair in ranks.windows(2) {
        let [(winner, first), (loser, second)] = pair else {
            unreachable!("windows of two");
        };
        assert!(first < second, "{winner} must win over {loser}");
    }
}
