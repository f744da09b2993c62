//! The conditions of a match other than host and path.

use std::{borrow::Cow, cell::OnceCell};

use http::{HeaderMap, Method};

use super::filter::asked_method;
use crate::plan::{HeaderMatch, HttpMatch, QueryMatch, ValueMatch};

/// What routing looks at.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// Lower-case, without port and final dot; empty if the request names none.
    pub host: &'a str,
    /// As received: percent-encoded, not normalised.
    pub path: &'a str,
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
    /// What follows `?`, as received.
    pub query: Option<&'a str>,
}

/// A request under examination; its query is parsed at most once, and only if a match asks.
pub(super) struct Probe<'a> {
    pub(super) head: &'a RequestHead<'a>,
    query: OnceCell<Vec<(Cow<'a, str>, Cow<'a, str>)>>,
}

/// Method, headers and query parameters that a request must show.
#[derive(Debug)]
pub(super) struct Conditions {
    method: Option<Method>,
    /// The rule answers preflights, also those that ask for its method.
    cors: bool,
    headers: Box<[HeaderMatch]>,
    query: Box<[QueryMatch]>,
}

impl<'a> Probe<'a> {
    pub(super) fn new(head: &'a RequestHead<'a>) -> Self {
        let query = OnceCell::new();
        Self { head, query }
    }

    /// The first value of a parameter, percent-decoded.
    fn parameter(&self, name: &str) -> Option<&str> {
        let parsed = self.query.get_or_init(|| {
            let query = self.head.query.unwrap_or_default();
            form_urlencoded::parse(query.as_bytes()).collect()
        });
        let found = parsed.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_ref())
    }
}

impl Conditions {
    /// `cors`: the rule has that filter.
    pub(super) fn new(of: &HttpMatch, cors: bool) -> Self {
        Self {
            method: of.method.clone(),
            cors,
            headers: of.headers.clone().into(),
            query: of.query.clone().into(),
        }
    }

    pub(super) fn hold(&self, probe: &Probe<'_>) -> bool {
        let head = probe.head;
        self.method.as_ref().is_none_or(|m| self.takes(m, head))
            && self.headers.iter().all(|h| header_holds(h, head.headers))
            && self.query.iter().all(|q| {
                let value = probe.parameter(&q.name);
                value.is_some_and(|value| value_holds(&q.value, value.as_bytes()))
            })
    }
}

impl Conditions {
    fn takes(&self, method: &Method, head: &RequestHead<'_>) -> bool {
        let asked = || asked_method(head.method, head.headers);
        method == head.method
            || (self.cors && asked().is_some_and(|asked| asked == method.as_str()))
    }
}

/// A repeated header counts as its values joined by commas (RFC 9110 section 5.2).
fn header_holds(expected: &HeaderMatch, headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(&expected.name).iter();
    let Some(first) = values.next() else {
        return false;
    };
    let mut joined = Cow::Borrowed(first.as_bytes());
    for value in values {
        let joined = joined.to_mut();
        joined.push(b',');
        joined.extend_from_slice(value.as_bytes());
    }
    value_holds(&expected.value, &joined)
}

fn value_holds(expected: &ValueMatch, value: &[u8]) -> bool {
    match expected {
        ValueMatch::Exact(text) => text.as_bytes() == value,
        ValueMatch::Regex(regex) => std::str::from_utf8(value).is_ok_and(|v| regex.is_match(v)),
    }
}

#[cfg(test)]
mod tests;
