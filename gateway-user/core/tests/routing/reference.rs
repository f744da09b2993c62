//! Which rule takes a request, by the words of the specification: every match of every route is
//! looked at, and those that hold are compared with each other.

use std::cmp::Ordering;

use gateway_core::plan::{
    HostPattern, HttpFilter, HttpListener, HttpMatch, HttpRoute, HttpRule, MethodPattern,
    PathMatch, ValueMatch,
};

use crate::case::Request;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taker<'a> {
    NoListener,
    /// The name of the listener that has none.
    NoRoute(&'a str),
    Rule {
        name: &'a str,
        prefix: Option<&'a str>,
    },
}

/// A match that holds, and where it stands.
struct Found<'a> {
    /// Of the route's host names, the most specific that has the request's host.
    host: &'a HostPattern,
    of: &'a HttpMatch,
    route: &'a HttpRoute,
    rule: &'a HttpRule,
    /// Of the rule in its route and of the match in its rule.
    positions: (usize, usize),
}

pub(crate) fn taker<'a>(listeners: &'a [HttpListener], request: &Request) -> Taker<'a> {
    let host = &*request.host;
    let able = listeners.iter().filter(|l| has(&l.hostname, host));
    // The first of those that are equal.
    let Some(listener) = able.reduce(
        |best, next| match specific(&next.hostname, &best.hostname) {
            Ordering::Less => next,
            _ => best,
        },
    ) else {
        return Taker::NoListener;
    };
    let found = listener.routes.iter().flat_map(|r| holding(r, request));
    match found.min_by(precedence) {
        None => Taker::NoRoute(&listener.name),
        Some(found) => Taker::Rule {
            name: found.rule.name.as_deref().unwrap_or_default(),
            prefix: match &found.of.path {
                PathMatch::Prefix(prefix) => Some(prefix),
                _ => None,
            },
        },
    }
}

/// The matches of a route that hold.
fn holding<'a>(route: &'a HttpRoute, request: &Request) -> Vec<Found<'a>> {
    let able = route.hostnames.iter().filter(|h| has(h, &request.host));
    let Some(host) = able.min_by(|a, b| specific(a, b)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (at, rule) in route.rules.iter().enumerate() {
        let cors = |filter: &HttpFilter| matches!(filter, HttpFilter::Cors(_));
        let cors = rule.filters.iter().any(cors);
        for (position, of) in rule.matches.iter().enumerate() {
            if holds(of, cors, request) {
                let positions = (at, position);
                found.push(Found {
                    host,
                    of,
                    route,
                    rule,
                    positions,
                });
            }
        }
    }
    found
}

/// "Precedence must be given to …" of `HTTPRouteSpec.hostnames` and `HTTPRouteRule.matches`; what
/// goes first is less.
fn precedence(a: &Found<'_>, b: &Found<'_>) -> Ordering {
    let key =
        |found: &Found<'_>| format!("{}/{}", found.route.name.namespace, found.route.name.name);
    // A route without a time is the newest.
    let newest = |found: &Found<'_>| (found.route.created.is_none(), found.route.created);
    specific(a.host, b.host)
        .then_with(|| class(&a.of.path).cmp(&class(&b.of.path)))
        .then_with(|| length(&b.of.path).cmp(&length(&a.of.path)))
        .then_with(|| b.of.method.is_some().cmp(&a.of.method.is_some()))
        .then_with(|| b.of.headers.len().cmp(&a.of.headers.len()))
        .then_with(|| b.of.query.len().cmp(&a.of.query.len()))
        .then_with(|| newest(a).cmp(&newest(b)))
        .then_with(|| key(a).cmp(&key(b)))
        .then_with(|| a.positions.cmp(&b.positions))
}

/// The most characters without a wildcard, then the most characters; what is more specific is less.
fn specific(a: &HostPattern, b: &HostPattern) -> Ordering {
    let key = |pattern: &HostPattern| match pattern {
        HostPattern::Exact(name) => (name.len(), name.len()),
        HostPattern::Suffix(name) => (0, "*.".len() + name.len()),
        HostPattern::Any => (0, 0),
    };
    key(b).cmp(&key(a))
}

/// Exact paths before prefixes. The place of regular expressions is the implementation's: ours is
/// between these; that of patterns of calls before the prefix of everything.
fn class(path: &PathMatch) -> u8 {
    match path {
        PathMatch::Exact(_) => 0,
        PathMatch::Regex(_) => 1,
        PathMatch::Prefix(prefix) if &**prefix != "/" => 2,
        PathMatch::Method(pattern) if !pattern.any_service && !pattern.any_method => 3,
        PathMatch::Method(pattern) if !pattern.any_service => 4,
        PathMatch::Method(pattern) if !pattern.any_method => 5,
        PathMatch::Method(_) => 6,
        PathMatch::Prefix(_) => 7,
    }
}

/// In characters; only prefixes are compared by it.
fn length(path: &PathMatch) -> usize {
    match path {
        PathMatch::Prefix(prefix) => prefix.chars().count(),
        _ => 0,
    }
}

fn has(pattern: &HostPattern, host: &str) -> bool {
    match pattern {
        HostPattern::Exact(name) => **name == *host,
        HostPattern::Suffix(name) => host.ends_with(&format!(".{name}")),
        HostPattern::Any => true,
    }
}

/// `cors`: the rule answers preflights, also those that ask for the method of the match.
fn holds(of: &HttpMatch, cors: bool, request: &Request) -> bool {
    let method = of.method.as_ref().is_none_or(|method| {
        let asked = request.preflight().filter(|_| cors);
        *method == request.method || asked.is_some_and(|asked| asked == method.as_str())
    });
    let header = |name: &str| {
        let values = request.headers.get_all(name).iter();
        let values: Vec<_> = values.filter_map(|v| v.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(","))
    };
    let parameter = |name: &str| {
        let mut pairs = request.parameters.iter();
        pairs
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.clone())
    };
    let same = |value: &ValueMatch, found: Option<String>| {
        found.is_some_and(|found| match value {
            ValueMatch::Exact(text) => found == **text,
            ValueMatch::Regex(regex) => regex.is_match(&found),
        })
    };
    let mut headers = of.headers.iter();
    let mut query = of.query.iter();
    path_holds(&of.path, &request.path)
        && method
        && headers.all(|h| same(&h.value, header(h.name.as_str())))
        && query.all(|q| same(&q.value, parameter(&q.name)))
}

fn path_holds(expected: &PathMatch, path: &str) -> bool {
    match expected {
        PathMatch::Exact(exact) => **exact == *path,
        PathMatch::Regex(regex) | PathMatch::Method(MethodPattern { regex, .. }) => {
            regex.is_match(path)
        }
        PathMatch::Prefix(prefix) if &**prefix == "/" => path.starts_with('/'),
        PathMatch::Prefix(prefix) => *path == **prefix || path.starts_with(&format!("{prefix}/")),
    }
}
