//! Making a head fit for the next hop.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, CONNECTION, TE, TRANSFER_ENCODING, UPGRADE},
};

use crate::plan::Scheme;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Headers that concern one connection only (RFC 9110 section 7.6.1), those included that old
/// peers send without naming them in `Connection`.
const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    HTTP2_SETTINGS,
];

/// Removes what concerns one connection only (RFC 9110 section 7.6.1): the headers that
/// `Connection` names, itself, and those that old peers send without naming them.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        for name in named(headers) {
            headers.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Whether a header, by its name alone, concerns one connection only.
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name) || *name == header::TRAILER || *name == header::EXPECT
}

/// Whether a header says where a message goes, or how long it is: another message's is wrong.
pub fn is_of_the_message(name: &HeaderName) -> bool {
    [header::HOST, header::CONTENT_LENGTH].contains(name)
}

/// The headers that `Connection` names, apart from those that say what the message is: a client
/// must not make us drop these.
fn named(headers: &HeaderMap) -> Vec<HeaderName> {
    let keep = [header::HOST, header::CONTENT_LENGTH];
    let values = headers.get_all(CONNECTION).into_iter();
    let options = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let names = options.filter_map(|option| HeaderName::from_bytes(option.trim_ascii()).ok());
    names.filter(|name| !keep.contains(name)).collect()
}

/// Whether the client reads trailers.
pub fn wants_trailers(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(TE).into_iter();
    values.any(|value| {
        let mut items = value.as_bytes().split(|byte| *byte == b',');
        items.any(|item| item.trim_ascii().eq_ignore_ascii_case(b"trailers"))
    })
}

/// The protocol that a client asks to switch to, if it does (RFC 9110 section 7.8). Never another
/// version of HTTP: behind a tunnel, its requests would pass by every route and filter.
pub fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(UPGRADE).into_iter();
    let upgrade = values.next()?;
    let http = |protocol: &[u8]| {
        let name = protocol.split(|byte| *byte == b'/').next();
        let name = name.unwrap_or_default().trim_ascii();
        [&b"h2c"[..], b"h2", b"http"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    };
    let plain = values.next().is_none() && !upgrade.as_bytes().split(|b| *b == b',').any(http);
    (plain && named(headers).contains(&UPGRADE)).then(|| upgrade.clone())
}

/// Turns a backend's headers into those for the client. Chunks say where a body ends; a length
/// beside them is wrong or needless, and must not go on (RFC 9112 section 6.3).
pub fn answer(headers: &mut HeaderMap) {
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    strip_hop_by_hop(headers);
}

/// Removes from a request's headers what concerns the client's connection; whether the client
/// reads trailers.
pub fn prepare(headers: &mut HeaderMap) -> bool {
    let trailers = wants_trailers(headers);
    strip_hop_by_hop(headers);
    // The expectation is answered here, when the backend's side asks for the body.
    headers.remove(header::EXPECT);
    trailers
}

/// Adds to a request's headers what an HTTP/1.1 backend is to know of its connection; `upgrade` is
/// the protocol to ask it for.
pub fn to_http1(headers: &mut HeaderMap, trailers: bool, upgrade: Option<HeaderValue>) {
    join_cookies(headers);
    if let Some(protocol) = upgrade {
        headers.insert(UPGRADE, protocol);
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    } else if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
}

/// As [`to_http1`] for an HTTP/2 backend, which has no headers for its connection: those that
/// filters set are removed (RFC 9113 section 8.2.2). Gives the authority that `Host` named.
pub fn to_http2(headers: &mut HeaderMap, trailers: bool) -> Option<HeaderValue> {
    strip_hop_by_hop(headers);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    headers.remove(header::HOST)
}

/// HTTP/2 may send a cookie header in parts, HTTP/1.1 has one (RFC 9113 section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut parts = headers.get_all(header::COOKIE).iter();
    if parts.next().is_none() || parts.next().is_none() {
        return;
    }
    let parts = headers.get_all(header::COOKIE).iter();
    let parts: Vec<&[u8]> = parts.map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&parts.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

/// A client's address as `X-Forwarded-For` has it; made once for all requests of a connection.
pub fn client_address(client: IpAddr) -> HeaderValue {
    let text = client.to_canonical().to_string();
    // No address has a character that a header may not have; the word is that of RFC 7239.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("unknown"))
}

/// Adds the client to `X-Forwarded-For`, and sets `X-Forwarded-Proto` and `X-Forwarded-Host`.
/// What earlier hops wrote into the latter two is replaced: only the list tells its origin.
/// `client` is from [`client_address`].
pub fn add_forwarded(headers: &mut HeaderMap, client: &HeaderValue, scheme: Scheme) {
    let mut chain = Vec::new();
    for value in headers.get_all(X_FORWARDED_FOR) {
        chain.extend_from_slice(value.as_bytes());
        chain.extend_from_slice(b", ");
    }
    if chain.is_empty() {
        headers.insert(X_FORWARDED_FOR, client.clone());
    } else {
        chain.extend_from_slice(client.as_bytes());
        if let Ok(value) = HeaderValue::from_bytes(&chain) {
            headers.insert(X_FORWARDED_FOR, value);
        }
    }
    let proto = HeaderValue::from_static(scheme.as_str());
    headers.insert(X_FORWARDED_PROTO, proto);
    match headers.get(header::HOST).cloned() {
        Some(host) => headers.insert(X_FORWARDED_HOST, host),
        None => headers.remove(X_FORWARDED_HOST),
    };
}

#[cfg(test)]
mod tests;
