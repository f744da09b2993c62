//! Tables of requests and the rules that take them.

use std::collections::BTreeMap;

use http::{HeaderMap, Method};

use super::*;
use crate::http::hosts::pattern as host;
use crate::plan::{
    FrontendId, HttpMatch, HttpRule, L4Service, MethodPattern, PathMatch, RouteKind, Tls, Transport,
};

const LOCAL: &str = "192.0.2.1:80";

/// `=/x` is an exact path, `~/x` a regular expression, `@x` a method of any service, anything
/// else a prefix.
fn path(text: &str) -> PathMatch {
    match text.split_at(1) {
        ("=", exact) => PathMatch::Exact(exact.into()),
        ("~", pattern) => PathMatch::Regex(regex::Regex::new(&format!("^(?:{pattern})$")).unwrap()),
        ("@", method) => PathMatch::Method(MethodPattern {
            regex: regex::Regex::new(&format!("^/[^/]+/{method}$")).unwrap(),
            any_service: true,
            any_method: false,
        }),
        _ => PathMatch::Prefix(text.into()),
    }
}

fn matching(path: PathMatch) -> HttpMatch {
    let (headers, query) = (Vec::new(), Vec::new());
    HttpMatch {
        path,
        method: None,
        headers,
        query,
    }
}

/// A route with a rule per path; rules are named as `route:path`.
fn route(name: &str, hosts: &[&str], paths: &[&str]) -> HttpRoute {
    let rule = |text: &&str| HttpRule {
        name: Some(format!("{name}:{text}").into()),
        matches: vec![matching(path(text))],
        filters: Vec::new(),
        ..HttpRule::default()
    };
    HttpRoute {
        kind: RouteKind::Http,
        name: ObjectName::new("default", name),
        created: None,
        hostnames: hosts.iter().map(|text| host(text)).collect(),
        rules: paths.iter().map(rule).collect(),
    }
}

fn listener(hostname: &str, routes: Vec<HttpRoute>) -> HttpListener {
    let (name, hostname) = (hostname.into(), host(hostname));
    HttpListener {
        name,
        hostname,
        tls: None,
        routes,
    }
}

fn table(listeners: Vec<HttpListener>) -> Table {
    let gateway = ObjectName::new("default", "gateway");
    let id = |address: &str, transport| FrontendId {
        address: address.parse().unwrap(),
        transport,
    };
    let l4 = L4Service {
        gateway: gateway.clone(),
        listener: "tcp".into(),
        route: None,
        options: crate::plan::L4Options::default(),
        backends: Vec::new(),
    };
    let frontends = BTreeMap::from([
        (
            id(LOCAL, Transport::Tcp),
            PlannedFrontend::Http(HttpFrontend {
                gateway,
                listeners,
                tls: Vec::new(),
            }),
        ),
        (id("192.0.2.1:81", Transport::Tcp), PlannedFrontend::L4(l4)),
    ]);
    let plan = Plan {
        frontends,
        ..Plan::default()
    };
    Table::compile(&plan, &Endpoints::default())
}

/// The rule's name, or why there is none.
fn taker(table: &Table, host: &str, path: &str) -> String {
    let head = RequestHead {
        host,
        path,
        method: &Method::GET,
        headers: &HeaderMap::new(),
        query: None,
    };
    match table.route(LOCAL.parse().unwrap(), &head) {
        Outcome::Matched(matched) => matched.rule.name.as_deref().unwrap().to_owned(),
        Outcome::NoRoute(id) => format!("no route at {}", id.listener),
        Outcome::NoListener => "no listener".to_owned(),
    }
}

#[test]
fn paths() {
    let all = [
        "/",
        "/foo",
        "/foo/bar",
        "=/foo/bar",
        "=/exact/",
        "~/foo/[0-9]+",
        "/%66oo",
    ];
    let table = table(vec![listener("*", vec![route("r", &["*"], &all)])]);
    for (path, expected) in [
        ("/", "/"),
        ("/x", "/"),
        ("/foo", "/foo"),
        ("/foo/", "/foo"),
        ("/foo/x", "/foo"),
        ("/foobar", "/"),
        ("/foo/bar", "=/foo/bar"),
        ("/foo/bar/", "/foo/bar"),
        ("/foo/bar/x", "/foo/bar"),
        ("/foo/17", "~/foo/[0-9]+"),
        ("/foo/17x", "/foo"),
        ("/exact/", "=/exact/"),
        ("/exact", "/"),
        ("/%66oo/x", "/%66oo"),
        ("/FOO", "/"),
        ("//foo", "/"),
        ("/foo//bar", "/foo"),
        ("/foo/../x", "/foo"),
    ] {
        assert_eq!(taker(&table, "a", path), format!("r:{expected}"), "{path}");
    }
    assert_eq!(taker(&table, "a", "*"), "no route at *");
}

#[test]
fn listeners_are_isolated() {
    let table = table(vec![
        listener("*", vec![route("any", &["*"], &["/any"])]),
        listener(
            "*.example.com",
            vec![route("wild", &["*.example.com"], &["/wild"])],
        ),
        listener(
            "a.example.com",
            vec![route("exact", &["a.example.com"], &["/exact"])],
        ),
    ]);
    for (host, path, expected) in [
        ("a.example.com", "/exact", "exact:/exact"),
        // Other listeners' routes match, but the request is not theirs.
        ("a.example.com", "/wild", "no route at a.example.com"),
        ("a.example.com", "/any", "no route at a.example.com"),
        ("b.example.com", "/wild", "wild:/wild"),
        ("b.example.com", "/any", "no route at *.example.com"),
        ("example.com", "/any", "any:/any"),
        ("", "/any", "any:/any"),
    ] {
        assert_eq!(taker(&table, host, path), expected, "{host}{path}");
    }
}

#[test]
fn more_specific_hosts_of_routes_go_first() {
    let routes = vec![
        route("any", &["*"], &["=/x", "/y", "/z"]),
        route("wild", &["*.example.com"], &["/x", "/y"]),
        route("exact", &["a.example.com", "*.example.com"], &["/x"]),
    ];
    let table = table(vec![listener("*", routes)]);
    for (host, path, expected) in [
        // A prefix wins over an exact path, because its host is more specific.
        ("a.example.com", "/x", "exact:/x"),
        ("a.example.com", "/y", "wild:/y"),
        ("a.example.com", "/z", "any:/z"),
        ("b.example.com", "/x", "exact:/x"),
        ("other", "/x", "any:=/x"),
    ] {
        assert_eq!(taker(&table, host, path), expected, "{host}{path}");
    }
}

#[test]
fn only_http_frontends_are_served() {
    let table = table(vec![listener("a.example.com", Vec::new())]);
    assert!(table.serves(LOCAL.parse().unwrap()));
    let opening = table.opening(LOCAL.parse().unwrap());
    assert!(matches!(opening, Some(Opening::Clear)));
    assert!(!table.serves("192.0.2.1:81".parse().unwrap()));
    assert!(!table.serves("192.0.2.2:80".parse().unwrap()));
    assert_eq!(taker(&table, "b.example.com", "/"), "no listener");
}

#[test]
fn a_connection_serves_the_hosts_of_its_listener_only() {
    let mut wild = listener("*.example.com", Vec::new());
    wild.tls = Some(Tls {
        certificates: Vec::new(),
        clients: None,
    });
    let table = table(vec![wild, listener("a.example.com", Vec::new())]);
    let local = LOCAL.parse().unwrap();
    assert!(matches!(table.opening(local), Some(Opening::Https(_))));
    assert!(!table.is_misdirected(local, "b.example.com", "c.example.com"));
    assert!(table.is_misdirected(local, "b.example.com", "a.example.com"));
    assert!(!table.is_misdirected(local, "a.example.com", "a.example.com"));
}
