//! Matches of an HTTPRoute rule. A value that is not understood refuses the whole route.

use std::{fmt, sync::Arc};

use http::{HeaderName, Method};
use regex::Regex;

use crate::{
    api::{
        Open,
        http::{
            HttpMatch as Match, PathMatch as Path, PathMatchType, ValueMatch as Value,
            ValueMatchType,
        },
    },
    plan::{HeaderMatch, HttpMatch, PathMatch, QueryMatch, ValueMatch},
    verdict::RouteVerdict,
};

/// Methods that the API knows.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];

/// `None`: it cannot be used, `verdicts` say why.
pub(super) fn judge(
    at: &str,
    source: &Match,
    verdicts: &mut Vec<RouteVerdict>,
) -> Option<HttpMatch> {
    let mut report = |verdict| verdicts.push(verdict);
    let path = path(&format!("{at}.path"), &source.path).map_err(&mut report);
    let method = method(at, source.method.as_ref()).map_err(&mut report);
    let headers = headers(at, &source.headers).map_err(&mut report);
    let query = query(at, &source.query_params).map_err(&mut report);
    Some(HttpMatch {
        path: path.ok()?,
        method: method.ok()?,
        headers: headers.ok()?,
        query: query.ok()?,
    })
}

fn path(at: &str, path: &Path) -> Result<PathMatch, RouteVerdict> {
    let value = &path.value;
    match &path.kind {
        Open::Known(PathMatchType::Exact) => Ok(PathMatch::Exact(value.clone())),
        Open::Known(PathMatchType::PathPrefix) => Ok(PathMatch::Prefix(prefix(value))),
        Open::Known(PathMatchType::RegularExpression) => {
            Ok(PathMatch::Regex(regex(&format!("{at}.value"), value)?))
        }
        Open::Unknown(kind) => Err(unknown(format!("{at}.type"), kind, PathMatchType::NAMES)),
    }
}

/// Without the final `/`, which makes no difference to a prefix of path elements.
fn prefix(value: &Arc<str>) -> Arc<str> {
    match value.trim_end_matches('/') {
        "" => "/".into(),
        trimmed if trimmed.len() == value.len() => value.clone(),
        trimmed => trimmed.into(),
    }
}

fn method(at: &str, method: Option<&Arc<str>>) -> Result<Option<Method>, RouteVerdict> {
    let Some(method) = method else {
        return Ok(None);
    };
    let known = METHODS
        .contains(&&**method)
        .then(|| Method::from_bytes(method.as_bytes()));
    match known {
        Some(Ok(method)) => Ok(Some(method)),
        Some(Err(_)) | None => Err(unknown(format!("{at}.method"), method, &METHODS)),
    }
}

/// Of several matches with one name, the first counts (API documentation of
/// `HTTPRouteMatch.headers`).
pub(in crate::translate) fn headers(
    at: &str,
    values: &[Value],
) -> Result<Vec<HeaderMatch>, RouteVerdict> {
    let mut matches: Vec<HeaderMatch> = Vec::new();
    for (index, source) in values.iter().enumerate() {
        let at = format!("{at}.headers[{index}]");
        let name = HeaderName::from_bytes(source.name.as_bytes()).map_err(|_| {
            let allowed = "write a header name such as X-Version".to_owned();
            let value = format!("\"{}\"", source.name);
            RouteVerdict::UnsupportedValue {
                at: format!("{at}.name"),
                value,
                allowed,
            }
        })?;
        let value = value(&at, source)?;
        if matches.iter().all(|m| m.name != name) {
            matches.push(HeaderMatch { name, value });
        }
    }
    Ok(matches)
}

/// As for headers, but names are case-sensitive.
fn query(at: &str, values: &[Value]) -> Result<Vec<QueryMatch>, RouteVerdict> {
    let mut matches: Vec<QueryMatch> = Vec::new();
    for (index, source) in values.iter().enumerate() {
        let value = value(&format!("{at}.queryParams[{index}]"), source)?;
        if matches.iter().all(|m| m.name != source.name) {
            let name = source.name.clone();
            matches.push(QueryMatch { name, value });
        }
    }
    Ok(matches)
}

fn value(at: &str, source: &Value) -> Result<ValueMatch, RouteVerdict> {
    match &source.kind {
        Open::Known(ValueMatchType::Exact) => Ok(ValueMatch::Exact(source.value.clone())),
        Open::Known(ValueMatchType::RegularExpression) => Ok(ValueMatch::Regex(regex(
            &format!("{at}.value"),
            &source.value,
        )?)),
        Open::Unknown(kind) => Err(unknown(format!("{at}.type"), kind, ValueMatchType::NAMES)),
    }
}

/// Compiles a pattern that has to match as a whole.
pub(in crate::translate) fn regex(at: &str, pattern: &Arc<str>) -> Result<Regex, RouteVerdict> {
    check(at, pattern)?;
    Regex::new(&format!("^(?:{pattern})$")).map_err(|error| bad(at, pattern, &error))
}

/// Whether a pattern is one by itself: `a)(b` must not become valid by a group around it.
pub(in crate::translate) fn check(at: &str, pattern: &Arc<str>) -> Result<(), RouteVerdict> {
    let parsed = regex_syntax::parse(pattern);
    parsed.map(drop).map_err(|error| bad(at, pattern, &error))
}

fn bad(at: &str, pattern: &Arc<str>, error: &dyn fmt::Display) -> RouteVerdict {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    RouteVerdict::BadRegex {
        at: at.to_owned(),
        pattern: pattern.clone(),
        why: last.trim_start_matches("error: ").to_owned(),
    }
}

/// A value of an enumeration that this version does not know.
pub(in crate::translate) fn unknown(at: String, value: &str, allowed: &[&str]) -> RouteVerdict {
    RouteVerdict::UnsupportedValue {
        at,
        value: format!("\"{value}\""),
        allowed: format!("use one of {}", allowed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{prefix, regex};

    #[test]
    fn prefixes_lose_the_final_slash() {
        for (given, expected) in [("/", "/"), ("/a", "/a"), ("/a/", "/a"), ("/a/b//", "/a/b")] {
            assert_eq!(&*prefix(&given.into()), expected);
        }
    }

    #[test]
    fn regexes_match_whole_values_and_are_checked_alone() {
        let whole = regex("at", &"/a|/b".into()).expect("valid");
        assert!(whole.is_match("/b") && !whole.is_match("/bc") && !whole.is_match("c/a"));
        for bad in ["a)(b", "(", "[z-a]"] {
            assert!(regex("at", &bad.into()).is_err(), "{bad}");
        }
    }
}
