//! Heads of requests in the protocol of the backend that they go to.

use gateway_core::{
    http::{Backend, forward},
    plan::BackendProtocol,
};
use http::{
    HeaderValue, Uri, Version,
    header::{CONTENT_LENGTH, TRAILER, TRANSFER_ENCODING},
    request::Parts,
    uri::{PathAndQuery, Scheme},
};

use super::answer::Answer;

/// Makes the head one of the backend's protocol. `empty`: there is no body; `asked`: the protocol
/// to switch to.
pub(super) fn fit(
    parts: &mut Parts,
    backend: &Backend,
    empty: bool,
    trailers: bool,
    asked: Option<&HeaderValue>,
) -> Result<(), Answer> {
    match backend.protocol {
        BackendProtocol::Http1 => to_http1(parts, empty, trailers, asked),
        BackendProtocol::Http2 if asked.is_some() => return Err(Answer::NoUpgrade),
        BackendProtocol::Http2 if to_http2(parts, trailers, backend.tls.is_some()) => {}
        BackendProtocol::Http2 => return Err(Answer::NoHost),
    }
    Ok(())
}

/// `empty`: there is no body; `upgrade`: the protocol to ask for.
fn to_http1(parts: &mut Parts, empty: bool, trailers: bool, upgrade: Option<&HeaderValue>) {
    forward::to_http1(&mut parts.headers, trailers, upgrade.cloned());
    if !empty {
        mark_length(parts);
    }
    parts.version = Version::HTTP_11;
}

/// The absolute form, with the host that `Host` names now. False if there is none that can be
/// used: only a filter, or a client of HTTP/1.0, gives none.
fn to_http2(parts: &mut Parts, trailers: bool, tls: bool) -> bool {
    let authority = forward::to_http2(&mut parts.headers, trailers);
    let path = parts.uri.path_and_query().cloned();
    let uri = Uri::builder()
        .scheme(if tls { Scheme::HTTPS } else { Scheme::HTTP })
        .authority(authority.as_ref().map_or(&b""[..], HeaderValue::as_bytes))
        .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let Ok(uri) = uri.build() else {
        return false;
    };
    parts.uri = uri;
    parts.version = Version::HTTP_2;
    true
}

/// Says how the body is framed: the client library assumes none for methods that rarely have
/// one. A body with trailers goes in chunks, even if its length is known (HTTP/2 allows both).
fn mark_length(parts: &mut Parts) {
    let headers = &mut parts.headers;
    if headers.contains_key(TRAILER) || !headers.contains_key(CONTENT_LENGTH) {
        headers.remove(CONTENT_LENGTH);
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}
