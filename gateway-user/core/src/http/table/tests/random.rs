//! The table against a reference that looks at every match of every route.

use std::cmp::Reverse;

use http::HeaderName;

use super::*;
use crate::{
    balance::Rng,
    plan::{HeaderMatch, QueryMatch, ValueMatch},
};

const HOSTS: [&str; 5] = ["*", "*.com", "*.a.com", "b.a.com", "a.com"];
const PATHS: [&str; 18] = [
    "/",
    "/a",
    "/a/b",
    "/b",
    "/a/b/c",
    "=/",
    "=/a",
    "=/a/b",
    "=/b/",
    "~/a/.",
    "~/.*b",
    "~.*",
    "~/a.*",
    "~/[ab]/",
    "~(/a|/b)+",
    "@b",
    "@x",
    "@.",
];
const ASKED_HOSTS: [&str; 6] = ["b.a.com", "c.a.com", "x.b.a.com", "a.com", "com", ""];
const ASKED_PATHS: [&str; 9] = [
    "/", "/a", "/a/", "/a/b", "/ab", "/a/b/c/d", "/b/", "/b//b", "/a/x",
];

fn one_of<T: Copy>(rng: &mut Rng, items: &[T]) -> T {
    items[(rng.draw() % items.len() as u64) as usize]
}

fn some(rng: &mut Rng) -> bool {
    rng.draw().is_multiple_of(3)
}

fn random_match(rng: &mut Rng) -> HttpMatch {
    let value = |rng: &mut Rng| ValueMatch::Exact(one_of(rng, &["1", "2"]).into());
    let mut of = matching(path(one_of(rng, &PATHS)));
    of.method = some(rng).then(|| one_of(rng, &[&Method::GET, &Method::PUT]).clone());
    for name in ["x", "y"] {
        if some(rng) {
            let name = HeaderName::from_static(name);
            of.headers.push(HeaderMatch {
                name,
                value: value(rng),
            });
        }
        if some(rng) {
            of.query.push(QueryMatch {
                name: name.into(),
                value: value(rng),
            });
        }
    }
    of
}

fn random_routes(rng: &mut Rng) -> Vec<HttpRoute> {
    let count = 1 + rng.draw() % 8;
    let routes = (0..count).map(|index| {
        let hosts = [one_of(rng, &HOSTS), one_of(rng, &HOSTS)];
        let mut route = route(&format!("route-{index}"), &hosts, &["/"]);
        route.created = one_of(rng, &[None, Some(1), Some(2)]);
        route.rules = (0..1 + rng.draw() % 3)
            .map(|rule| HttpRule {
                name: Some(format!("{index}/{rule}").into()),
                matches: (0..1 + rng.draw() % 3).map(|_| random_match(rng)).collect(),
                filters: Vec::new(),
                ..HttpRule::default()
            })
            .collect();
        route
    });
    routes.collect()
}

/// How specific the pattern is, if it takes the host.
fn host_rank(pattern: &HostPattern, host: &str) -> Option<(u8, usize)> {
    match pattern {
        HostPattern::Exact(name) => (**name == *host).then_some((2, name.len())),
        HostPattern::Suffix(name) => host
            .ends_with(&format!(".{name}"))
            .then_some((1, name.len())),
        HostPattern::Any => Some((0, 0)),
    }
}

fn holds(of: &HttpMatch, head: &RequestHead<'_>) -> bool {
    let same = |value: &ValueMatch, found: Option<&str>| match value {
        ValueMatch::Exact(text) => found == Some(&**text),
        ValueMatch::Regex(_) => false,
    };
    let query = |name: &str| {
        let mut pairs = head.query.unwrap_or_default().split('&');
        pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    let header = |name| head.headers.get(name).map(|v| v.to_str().unwrap());
    let path = match &of.path {
        PathMatch::Exact(path) => **path == *head.path,
        PathMatch::Regex(regex) => regex.is_match(head.path),
        PathMatch::Method(pattern) => pattern.regex.is_match(head.path),
        PathMatch::Prefix(prefix) if &**prefix == "/" => head.path.starts_with('/'),
        PathMatch::Prefix(prefix) => {
            head.path == &**prefix || head.path.starts_with(&format!("{prefix}/"))
        }
    };
    path && of.method.as_ref().is_none_or(|m| m == head.method)
        && of.headers.iter().all(|h| same(&h.value, header(&h.name)))
        && of.query.iter().all(|q| same(&q.value, query(&q.name)))
}

fn reference(routes: &[HttpRoute], head: &RequestHead<'_>) -> Option<String> {
    let mut found = Vec::new();
    for route in routes {
        let host = route
            .hostnames
            .iter()
            .filter_map(|p| host_rank(p, head.host))
            .max();
        let Some(host) = host else { continue };
        for (index, rule) in route.rules.iter().enumerate() {
            for (position, of) in rule
                .matches
                .iter()
                .enumerate()
                .filter(|(_, m)| holds(m, head))
            {
                let path = match &of.path {
                    PathMatch::Exact(_) => (0, 0),
                    PathMatch::Regex(_) => (1, 0),
                    PathMatch::Method(_) => (3, 0),
                    PathMatch::Prefix(prefix) if prefix.len() == 1 => (4, 0),
                    PathMatch::Prefix(prefix) => (2, usize::MAX - prefix.len()),
                };
                let counts = (
                    of.method.is_none(),
                    Reverse((of.headers.len(), of.query.len())),
                );
                let age = route.created.unwrap_or(i64::MAX);
                let order = (age, route.name.to_string(), index, position);
                found.push(((Reverse(host), path, counts, order), rule.name.as_deref()));
            }
        }
    }
    found.sort();
    found.first().and_then(|(_, name)| name.map(str::to_owned))
}

#[test]
fn random_routes_and_requests() {
    let mut matched = 0;
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let routes = random_routes(&mut rng);
        let table = table(vec![listener("*", routes.clone())]);
        for _ in 0..100 {
            let mut headers = HeaderMap::new();
            for name in ["x", "y"] {
                headers.insert(name, one_of(&mut rng, &["1", "2"]).parse().unwrap());
            }
            let head = RequestHead {
                host: one_of(&mut rng, &ASKED_HOSTS),
                path: one_of(&mut rng, &ASKED_PATHS),
                method: one_of(&mut rng, &[&Method::GET, &Method::PUT]),
                headers: &headers,
                query: one_of(&mut rng, &[None, Some("x=1&y=2"), Some("y=1&x=2&x=1")]),
            };
            let found = match table.route(LOCAL.parse().unwrap(), &head) {
                Outcome::Matched(found) => found.rule.name.as_deref().map(str::to_owned),
                _ => None,
            };
            matched += u32::from(found.is_some());
            assert_eq!(
                found,
                reference(&routes, &head),
                "seed {seed}: {head:?}\n{routes:#?}"
            );
        }
    }
    assert!(
        matched > 10_000,
        "only {matched} requests matched: the test says little"
    );
}
