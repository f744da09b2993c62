//! Listeners, routes and requests from bytes, of few names and values, so that much collides.

use std::{ops::RangeInclusive, sync::Arc};

use arbitrary::{Result, Unstructured};
use gateway_core::{
    name::ObjectName,
    plan::{
        Cors, HeaderMatch, HostPattern, HttpFilter, HttpListener, HttpMatch, HttpRoute, HttpRule,
        MethodPattern, PathMatch, QueryMatch, RouteKind, ValueMatch,
        cors::{Allowed, Origins},
    },
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN},
};
use regex::Regex;

const LABELS: [&str; 2] = ["a", "ba"];
const ELEMENTS: [&str; 4] = ["a", "b", "é", ""];
/// Put together, they are patterns of paths.
const PIECES: [&str; 9] = [
    "/a", "/b", "/", ".*", "/.*", "/[ab]", "(/a/b)?", "|/b", "(?i)/A",
];
/// Patterns of a service or a method.
const CALLS: [&str; 4] = ["a", "[ab]", "a|b", "b.*"];
const NAMES: [&str; 2] = ["x", "y"];
const VALUES: [&str; 3] = ["1", "2", "1,2"];
/// Patterns of values.
const VALUE_PATTERNS: [&str; 4] = ["1|2", "[12,]*", ".", ".*2"];
const METHODS: [Method; 3] = [Method::GET, Method::PUT, Method::OPTIONS];
const NAMESPACES: [&str; 2] = ["a", "a-b"];

type Input<'a, 'b> = &'a mut Unstructured<'b>;

/// As the proxy gets it, and what its query says.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Option<String>,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Request {
    /// The method that a browser asks for.
    pub(crate) fn preflight(&self) -> Option<&HeaderValue> {
        let asked = self.headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
        let is_one = self.method == Method::OPTIONS && self.headers.contains_key(ORIGIN);
        is_one.then_some(asked)
    }
}

pub(crate) fn listeners(input: Input<'_, '_>) -> Result<Vec<HttpListener>> {
    several(input, 1..=3, |input, at| {
        Ok(HttpListener {
            name: format!("listener-{at}").into(),
            hostname: host_pattern(input)?,
            tls: None,
            routes: several(input, 0..=6, |input, index| route(input, at, index))?,
        })
    })
}

fn route(input: Input<'_, '_>, listener: usize, index: usize) -> Result<HttpRoute> {
    // In no order, and so that it counts that a name follows its namespace after a `/`.
    let name = format!("{}{index}", input.choose(&["a", "c", "a-"])?);
    Ok(HttpRoute {
        kind: RouteKind::Http,
        name: ObjectName::new(*input.choose(&NAMESPACES)?, &*name),
        created: *input.choose(&[None, Some(1), Some(2)])?,
        hostnames: several(input, 1..=2, |input, _| host_pattern(input))?,
        rules: several(input, 1..=3, |input, rule| {
            Ok(HttpRule {
                name: Some(format!("{listener}/{index}/{rule}").into()),
                matches: several(input, 1..=3, |input, _| matching(input))?,
                filters: some(input, |_| Ok(cors()))?.into_iter().collect(),
                ..HttpRule::default()
            })
        })?,
    })
}

/// Often any, as few requests have the others.
fn host_pattern(input: Input<'_, '_>) -> Result<HostPattern> {
    Ok(match input.int_in_range(0..=4)? {
        0 | 1 => HostPattern::Any,
        2 => HostPattern::Exact(host(input, 1)?.into()),
        _ => HostPattern::Suffix(host(input, 1)?.into()),
    })
}

fn host(input: Input<'_, '_>, least: usize) -> Result<String> {
    let labels = several(input, least..=3, |input, _| Ok(*input.choose(&LABELS)?))?;
    Ok(labels.join("."))
}

fn matching(input: Input<'_, '_>) -> Result<HttpMatch> {
    let mut of = HttpMatch {
        path: path_match(input)?,
        method: some(input, |input| Ok(input.choose(&METHODS)?.clone()))?,
        headers: Vec::new(),
        query: Vec::new(),
    };
    for name in NAMES {
        of.headers.extend(some(input, |input| {
            let value = value_match(input)?;
            let name = HeaderName::from_static(name);
            Ok(HeaderMatch { name, value })
        })?);
        of.query.extend(some(input, |input| {
            let value = value_match(input)?;
            let name = name.into();
            Ok(QueryMatch { name, value })
        })?);
    }
    Ok(of)
}

fn path_match(input: Input<'_, '_>) -> Result<PathMatch> {
    Ok(match input.int_in_range(0..=7)? {
        0 => PathMatch::Prefix("/".into()),
        1 | 2 => match path(input)?.trim_end_matches('/') {
            "" => PathMatch::Prefix("/".into()),
            path => PathMatch::Prefix(path.into()),
        },
        3 | 4 => PathMatch::Exact(path(input)?.into()),
        5 | 6 => {
            let pieces = several(input, 1..=3, |input, _| Ok(*input.choose(&PIECES)?))?;
            PathMatch::Regex(whole(&pieces.concat())?)
        }
        _ => {
            let service = some(input, |input| Ok(*input.choose(&CALLS)?))?;
            let method = some(input, |input| Ok(*input.choose(&CALLS)?))?;
            let part = |pattern: Option<&str>| pattern.unwrap_or("[^/]+").to_owned();
            let pattern = format!("/(?:{})/(?:{})", part(service), part(method));
            PathMatch::Method(MethodPattern {
                regex: whole(&pattern)?,
                any_service: service.is_none(),
                any_method: method.is_none(),
            })
        }
    })
}

fn path(input: Input<'_, '_>) -> Result<String> {
    let elements = several(input, 0..=3, |input, _| Ok(*input.choose(&ELEMENTS)?))?;
    Ok(format!("/{}", elements.join("/")))
}

fn value_match(input: Input<'_, '_>) -> Result<ValueMatch> {
    Ok(match input.ratio(2, 3)? {
        true => ValueMatch::Exact((*input.choose(&VALUES)?).into()),
        false => ValueMatch::Regex(whole(input.choose(&VALUE_PATTERNS)?)?),
    })
}

/// As translation compiles it.
fn whole(pattern: &str) -> Result<Regex> {
    Regex::new(&format!("^(?:{pattern})$")).map_err(|_| arbitrary::Error::IncorrectFormat)
}

fn cors() -> HttpFilter {
    HttpFilter::Cors(Arc::new(Cors {
        origins: Origins::All,
        credentials: false,
        methods: Allowed::All,
        headers: Allowed::All,
        expose: Allowed::Nothing,
        max_age: HeaderValue::from_static("5"),
    }))
}

pub(crate) fn request(input: Input<'_, '_>) -> Result<Request> {
    let mut headers = HeaderMap::new();
    for name in NAMES {
        for value in several(input, 0..=2, |input, _| Ok(*input.choose(&VALUES)?))? {
            headers.append(name, HeaderValue::from_static(value));
        }
    }
    if input.ratio(1, 3)? {
        headers.insert(ORIGIN, HeaderValue::from_static("https://a.com"));
        let asked = input.choose(&["GET", "PUT"])?;
        headers.insert(
            ACCESS_CONTROL_REQUEST_METHOD,
            HeaderValue::from_static(asked),
        );
    }
    let parameters = several(input, 0..=3, |input, _| {
        Ok((
            input.choose(&NAMES)?.to_string(),
            input.choose(&VALUES)?.to_string(),
        ))
    })?;
    let pairs = parameters.iter().map(|(name, value)| {
        let (name, value) = (escaped(input, name)?, escaped(input, value)?);
        Ok(format!("{name}={value}"))
    });
    let pairs = pairs.collect::<Result<Vec<_>>>()?;
    Ok(Request {
        host: host(input, 0)?,
        path: match input.ratio(1, 32)? {
            true => "*".to_owned(),
            false => path(input)?,
        },
        method: input.choose(&METHODS)?.clone(),
        headers,
        query: (!pairs.is_empty()).then(|| pairs.join("&")),
        parameters,
    })
}

/// Percent-encoded, as a client may do with every byte.
fn escaped(input: Input<'_, '_>, text: &str) -> Result<String> {
    Ok(match input.ratio(1, 4)? {
        true => text.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        false => text.to_owned(),
    })
}

fn several<'b, T>(
    input: Input<'_, 'b>,
    count: RangeInclusive<usize>,
    mut one: impl FnMut(&mut Unstructured<'b>, usize) -> Result<T>,
) -> Result<Vec<T>> {
    let count = input.int_in_range(count)?;
    (0..count).map(|index| one(input, index)).collect()
}

fn some<'b, T>(
    input: Input<'_, 'b>,
    one: impl FnOnce(&mut Unstructured<'b>) -> Result<T>,
) -> Result<Option<T>> {
    let there: u8 = input.int_in_range(0..=3)?;
    (there == 3).then(|| one(input)).transpose()
}
