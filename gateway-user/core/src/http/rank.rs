//! Which of several matches takes a request: the order of the specification, as data.

use std::cmp::Reverse;

use crate::{
    name::ObjectName,
    plan::{HttpMatch, HttpRoute, PathMatch},
};

/// Lower ranks win. The order of the fields is the order of precedence in the documentation of
/// `HTTPRouteRule.matches` (Gateway API v1.6); that of `GRPCRouteRule.matches` is the same once
/// services and methods are paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    path: PathRank,
    without_method: bool,
    headers: Reverse<usize>,
    query: Reverse<usize>,
    age: Age,
    /// Compared as the text `namespace/name`.
    route: String,
    rule: usize,
    matched: usize,
}

/// The specification leaves the place of regular expressions open: here they come after exact
/// paths and before prefixes, and among themselves the rest of the rank decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PathRank {
    Exact,
    Regex,
    Prefix(Reverse<usize>),
    /// Patterns of calls: after services that are given exactly; those with a pattern of the
    /// service first, since the service goes before the method.
    Method {
        any_service: bool,
        any_method: bool,
    },
    /// The prefix `/`.
    Root,
}

/// Seconds since the epoch; a route without a time counts as the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    Created(i64),
    Unknown,
}

impl Rank {
    /// `rule` and `matched`: positions of the rule in its route and of the match in its rule.
    pub(super) fn new(route: &HttpRoute, rule: usize, matched: usize, of: &HttpMatch) -> Self {
        Self {
            path: match &of.path {
                PathMatch::Exact(_) => PathRank::Exact,
                PathMatch::Regex(_) => PathRank::Regex,
                PathMatch::Method(pattern) => PathRank::Method {
                    any_service: pattern.any_service,
                    any_method: pattern.any_method,
                },
                PathMatch::Prefix(prefix) if &**prefix == "/" => PathRank::Root,
                PathMatch::Prefix(prefix) => PathRank::Prefix(Reverse(prefix.chars().count())),
            },
            without_method: of.method.is_none(),
            headers: Reverse(of.headers.len()),
            query: Reverse(of.query.len()),
            age: route.created.map_or(Age::Unknown, Age::Created),
            route: ObjectName::to_string(&route.name),
            rule,
            matched,
        }
    }
}

#[cfg(test)]
mod tests;
