//! Rules for HTTPRoute.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Problems,
    backend::backends,
    filter,
    format::{Format, is_path},
    policy,
    route::common,
};
use crate::api::{
    HttpRoute, HttpRule, Open,
    http::{HttpMatch, PathMatch, PathMatchType, ValueMatch, ValueMatchType},
    path::Path,
};

/// Most matches in all rules of a route together.
const MATCHES: usize = 128;

/// Methods that the API knows.
pub(super) const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];

pub(crate) fn http_route(route: &HttpRoute, out: &mut Problems) {
    let spec = &route.spec;
    common(spec, out);
    hostnames(&spec.hostnames, out);
    let rules = Path::spec().field("rules");
    out.count(rules.clone(), spec.rules.len(), 1..=16);
    matches(spec.rules.iter().map(|rule| rule.matches.len()), out);
    names(spec.rules.iter().map(|rule| rule.name.as_deref()), out);
    for (i, rule) in spec.rules.iter().enumerate() {
        self::rule(&rules.index(i), rule, out);
    }
}

pub(super) fn hostnames(hostnames: &[Arc<str>], out: &mut Problems) {
    let at = Path::spec().field("hostnames");
    out.count(at.clone(), hostnames.len(), 0..=16);
    for (i, hostname) in hostnames.iter().enumerate() {
        out.text(at.index(i), hostname, Format::Hostname);
    }
}

/// Checks the sum of the numbers of matches of all rules.
pub(super) fn matches(counts: impl Iterator<Item = usize>, out: &mut Problems) {
    let matches = counts.sum::<usize>();
    if matches > MATCHES {
        let message = format!("have {matches} matches together, but at most {MATCHES} are allowed");
        out.error(Path::spec().field("rules"), message);
    }
}

/// Checks that no two rules have the same name.
pub(super) fn names<'a>(names: impl Iterator<Item = Option<&'a str>>, out: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (i, name) in names.enumerate() {
        if let Some(name) = name.filter(|name| !seen.insert(*name)) {
            let message = format!("{name:?} is used twice: names of rules must differ");
            out.error(Path::spec().field("rules").index(i).field("name"), message);
        }
    }
}

fn rule(at: &Path, rule: &HttpRule, out: &mut Problems) {
    out.optional(at.field("name"), rule.name.as_deref(), Format::Subdomain);
    out.count(at.field("matches"), rule.matches.len(), 0..=64);
    for (i, one) in rule.matches.iter().enumerate() {
        self::one(&at.field("matches").index(i), one, out);
    }
    filter::of_rule(at, rule, out);
    backends(&at.field("backendRefs"), &rule.backend_refs, out);
    if let Some(session) = &rule.session_persistence {
        policy::session(&at.field("sessionPersistence"), session, out);
    }
    if let Some(timeouts) = rule.timeouts {
        policy::timeouts(&at.field("timeouts"), timeouts, out);
    }
    if let Some(retry) = &rule.retry {
        policy::retry(&at.field("retry"), retry, out);
    }
}

fn one(at: &Path, value: &HttpMatch, out: &mut Problems) {
    path(&at.field("path"), &value.path, out);
    if let Some(method) = &value.method {
        out.one_of(at.field("method"), method, &METHODS);
    }
    values(
        &at.field("headers"),
        &value.headers,
        Format::HeaderValue,
        out,
    );
    values(
        &at.field("queryParams"),
        &value.query_params,
        Format::QueryValue,
        out,
    );
}

pub(super) fn values(at: &Path, values: &[ValueMatch], format: Format, out: &mut Problems) {
    out.count(at.clone(), values.len(), 0..=16);
    out.unique(at, "name", values.iter().map(|v| &*v.name));
    for (i, value) in values.iter().enumerate() {
        let at = at.index(i);
        out.closed(at.field("type"), &value.kind, ValueMatchType::NAMES);
        out.text(at.field("name"), &value.name, Format::HeaderName);
        out.text(at.field("value"), &value.value, format);
    }
}

fn path(at: &Path, path: &PathMatch, out: &mut Problems) {
    out.closed(at.field("type"), &path.kind, PathMatchType::NAMES);
    let at = at.field("value");
    out.text(at.clone(), &path.value, Format::PathText);
    let plain = [PathMatchType::Exact, PathMatchType::PathPrefix];
    if let Open::Known(kind) = path.kind
        && plain.contains(&kind)
        && let Some(wrong) = wrong_path(&path.value)
    {
        let message = format!(
            "{:?} {wrong} (for a pattern, use type RegularExpression)",
            path.value
        );
        out.error(at, message);
    }
}

/// What keeps a text from being an absolute, normalised path.
fn wrong_path(path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return Some("does not start with '/': add it".to_owned());
    }
    let parts = ["//", "/./", "/../", "%2f", "%2F", "#"];
    if let Some(part) = parts.iter().find(|part| path.contains(**part)) {
        return Some(format!(
            "contains {part:?}, which the API does not allow: remove it"
        ));
    }
    if let Some(end) = ["/..", "/."].iter().find(|end| path.ends_with(**end)) {
        return Some(format!(
            "ends with {end:?}, which the API does not allow: remove it"
        ));
    }
    let escapes = path.split('%').skip(1);
    let broken = |rest: &str| !matches!(rest.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    if escapes.into_iter().any(broken) {
        return Some("has a '%' without two hexadecimal digits: write it as %25".to_owned());
    }
    let other = path
        .chars()
        .find(|c| !u8::try_from(*c).is_ok_and(is_path))?;
    Some(format!("contains {other:?}: percent-encode it"))
}

#[cfg(test)]
mod tests {
    use super::wrong_path;

    #[test]
    fn paths() {
        for good in [
            "/",
            "/a",
            "/a/",
            "/a/b.c",
            "/..a",
            "/a%20b",
            "/%2e",
            "/~a!$&'()*+,;=:@",
        ] {
            assert_eq!(wrong_path(good), None, "{good}");
        }
        for bad in [
            "", "a", "//", "/a//b", "/./a", "/a/../b", "/a%2fb", "/a%2Fb", "/a#b", "/a/..", "/a/.",
            "/a%", "/a%2", "/a%zz", "/a b", "/ä", "/a?b", "/[", "/^a",
        ] {
            assert!(wrong_path(bad).is_some(), "{bad}");
        }
    }
}
