//! Pages of other origins (`HTTPCORSFilter`; "HTTP extensions" of the Fetch standard's CORS
//! protocol).

use std::sync::Arc;

use http::{
    HeaderMap, HeaderValue, Method,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
        ORIGIN, VARY,
    },
};

use crate::plan::{Cors, HttpFilter, cors::Allowed};

const ALL: HeaderValue = HeaderValue::from_static("*");

/// What is answered to a browser that asks before it sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preflight {
    /// With these headers, beside those of [`share`].
    Allowed(HeaderMap),
    /// The page's origin may not use the route.
    Foreign,
}

/// The CORS filter of a list, which has one at most.
pub fn cors(filters: &[HttpFilter]) -> Option<&Arc<Cors>> {
    filters.iter().find_map(|filter| match filter {
        HttpFilter::Cors(cors) => Some(cors),
        _ => None,
    })
}

/// The answer to a preflight; `None` if the request is none.
pub fn preflight(cors: &Cors, method: &Method, headers: &HeaderMap) -> Option<Preflight> {
    let asked = asked_method(method, headers)?;
    if !cors.allows(headers.get(ORIGIN)?) {
        return Some(Preflight::Foreign);
    }
    let mut answer = HeaderMap::with_capacity(8);
    let headers = headers.get(ACCESS_CONTROL_REQUEST_HEADERS);
    for (name, allowed, asked) in [
        (ACCESS_CONTROL_ALLOW_METHODS, &cors.methods, Some(asked)),
        (ACCESS_CONTROL_ALLOW_HEADERS, &cors.headers, headers),
    ] {
        if let Some(value) = value(allowed, cors.credentials, asked) {
            answer.insert(name, value);
        }
    }
    answer.insert(ACCESS_CONTROL_MAX_AGE, cors.max_age.clone());
    Some(Preflight::Allowed(answer))
}

/// The method that a preflight asks for; `None` if the request is none.
pub(in crate::http) fn asked_method<'h>(
    method: &Method,
    headers: &'h HeaderMap,
) -> Option<&'h HeaderValue> {
    let asked = (*method == Method::OPTIONS).then(|| headers.get(ACCESS_CONTROL_REQUEST_METHOD));
    asked.flatten().filter(|_| headers.contains_key(ORIGIN))
}

/// What was asked for goes before `*`, which some names are not a part of, and which browsers
/// take for a name where there are credentials.
fn value(allowed: &Allowed, credentials: bool, asked: Option<&HeaderValue>) -> Option<HeaderValue> {
    match allowed {
        Allowed::All => asked.cloned().or((!credentials).then_some(ALL)),
        Allowed::These(names) => Some(names.clone()),
        Allowed::Nothing => None,
    }
}

/// Tells a page of `origin` in a response whether it may read it. What a backend says about that
/// does not count; the headers that it exposes do, unless the filter names some itself.
pub fn share(cors: &Cors, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    if !cors.is_for_all() {
        vary(headers);
    }
    headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
    let Some(origin) = origin.filter(|origin| cors.allows(origin)) else {
        return;
    };
    let names = match cors.is_for_all() {
        true => ALL,
        false => origin.clone(),
    };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, names);
    if cors.credentials {
        let value = HeaderValue::from_static("true");
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, value);
    }
    let exposed = match &cors.expose {
        Allowed::All if cors.credentials => every_name(headers),
        expose => value(expose, cors.credentials, None),
    };
    if let Some(exposed) = exposed {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

/// Names of all headers, where `*` would be taken for a name.
fn every_name(headers: &HeaderMap) -> Option<HeaderValue> {
    let names: Vec<&str> = headers.keys().map(AsRef::as_ref).collect();
    HeaderValue::from_str(&names.join(", ")).ok()
}

/// Caches must keep the answers to different origins apart.
fn vary(headers: &mut HeaderMap) {
    let mut known = headers.get_all(VARY).into_iter();
    let told = known.any(|value| {
        let mut names = value.as_bytes().split(|byte| *byte == b',');
        names.any(|name| {
            let name = name.trim_ascii();
            name == b"*" || name.eq_ignore_ascii_case(b"origin")
        })
    });
    if !told {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
}

#[cfg(test)]
mod tests;
