//! GRPCRoute: rules. A call of a method is a `POST` to `/service/method` (gRPC over HTTP/2,
//! "Requests"), so they become rules of HTTP.

use std::sync::Arc;

use ::http::Method;

use super::{
    Scope,
    backend::Referrer,
    http::{
        self, filters,
        matches::{check, headers, regex, unknown},
        policy,
    },
};
use crate::{
    api::{
        GrpcRoute, GrpcRule as Rule, Kind, Open,
        grpc::{GrpcMatch as Match, MethodMatch, MethodMatchType},
    },
    plan::{HttpMatch, HttpRule, MethodPattern, PathMatch},
    verdict::RouteVerdict,
};

pub(super) fn judge(scope: Scope, route: &GrpcRoute) -> (Vec<HttpRule>, Vec<RouteVerdict>) {
    let referrer = Referrer {
        kind: Kind::GrpcRoute,
        meta: &route.meta,
    };
    http::rules(&route.spec, |at, source, verdicts| {
        rule(scope, referrer, at, source, verdicts)
    })
}

fn rule(
    scope: Scope,
    referrer: Referrer,
    at: &str,
    rule: &Rule,
    verdicts: &mut Vec<RouteVerdict>,
) -> HttpRule {
    let session = rule.session_persistence.as_ref();
    let session = session.and_then(|s| policy::session(at, referrer.meta, s, verdicts));
    let everything = [Match::default()];
    let matches = match rule.matches.is_empty() {
        true => &everything,
        false => rule.matches.as_slice(),
    };
    HttpRule {
        name: rule.name.clone(),
        matches: matches
            .iter()
            .enumerate()
            .filter_map(|(i, m)| matched(&format!("{at}.matches[{i}]"), m, verdicts))
            .collect(),
        filters: filters::judge(scope, referrer, at, &rule.filters, verdicts),
        backends: http::backends(scope, referrer, at, &rule.backend_refs, verdicts),
        session,
        ..HttpRule::default()
    }
}

/// `None`: it cannot be used, `verdicts` say why.
fn matched(at: &str, source: &Match, verdicts: &mut Vec<RouteVerdict>) -> Option<HttpMatch> {
    let mut report = |verdict| verdicts.push(verdict);
    let path = source.method.as_ref().map_or_else(
        || Ok(everywhere()),
        |method| path(&format!("{at}.method"), method),
    );
    let path = path.map_err(&mut report);
    let headers = headers(at, &source.headers).map_err(&mut report);
    Some(HttpMatch {
        path: path.ok()?,
        method: Some(Method::POST),
        headers: headers.ok()?,
        query: Vec::new(),
    })
}

fn everywhere() -> PathMatch {
    PathMatch::Prefix("/".into())
}

/// The paths of the methods that match. An empty name is any.
fn path(at: &str, source: &MethodMatch) -> Result<PathMatch, RouteVerdict> {
    let (service, method) = (
        given(source.service.as_ref()),
        given(source.method.as_ref()),
    );
    match &source.kind {
        Open::Known(MethodMatchType::Exact) => exact(at, service, method),
        Open::Known(MethodMatchType::RegularExpression) => pattern(at, service, method),
        Open::Unknown(kind) => Err(unknown(format!("{at}.type"), kind, MethodMatchType::NAMES)),
    }
}

fn given(name: Option<&Arc<str>>) -> Option<&Arc<str>> {
    name.filter(|name| !name.is_empty())
}

fn exact(
    at: &str,
    service: Option<&Arc<str>>,
    method: Option<&Arc<str>>,
) -> Result<PathMatch, RouteVerdict> {
    Ok(match (service, method) {
        (Some(service), Some(method)) => PathMatch::Exact(format!("/{service}/{method}").into()),
        (Some(service), None) => PathMatch::Prefix(format!("/{service}").into()),
        (None, Some(method)) => of_names(at, None, Some(&regex::escape(method)))?,
        (None, None) => everywhere(),
    })
}

fn pattern(
    at: &str,
    service: Option<&Arc<str>>,
    method: Option<&Arc<str>>,
) -> Result<PathMatch, RouteVerdict> {
    // Each alone first, so that a mistake is reported where it is.
    for (field, pattern) in [("service", service), ("method", method)] {
        if let Some(pattern) = pattern {
            check(&format!("{at}.{field}"), pattern)?;
        }
    }
    if service.is_none() && method.is_none() {
        return Ok(everywhere());
    }
    of_names(at, service.map(AsRef::as_ref), method.map(AsRef::as_ref))
}

fn of_names(
    at: &str,
    service: Option<&str>,
    method: Option<&str>,
) -> Result<PathMatch, RouteVerdict> {
    let part = |pattern: Option<&str>| {
        pattern.map_or_else(|| "[^/]+".to_owned(), |pattern| format!("(?:{pattern})"))
    };
    let whole = format!("/{}/{}", part(service), part(method));
    Ok(PathMatch::Method(MethodPattern {
        regex: regex(at, &whole.into())?,
        any_service: service.is_none(),
        any_method: method.is_none(),
    }))
}

#[cfg(test)]
mod tests;
