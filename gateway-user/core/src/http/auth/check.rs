//! `envoy.service.auth.v3.Authorization/Check` (external_auth.proto, attribute_context.proto and
//! base.proto of Envoy's API v3): the call, and what its answer says.

use std::{borrow::Cow, net::SocketAddr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header};

use super::wire::Message;
use crate::{
    http::request_id::X_REQUEST_ID,
    plan::{Names, Scheme},
};

mod reply;

pub use reply::{Allowance, Decision, Denial, Nonsense, read};

/// The path of the call.
pub const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

/// A request that a server is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub method: &'a Method,
    /// In origin form.
    pub target: &'a Uri,
    pub version: Version,
    pub headers: &'a HeaderMap,
    pub scheme: Scheme,
    pub client: SocketAddr,
    /// The frontend that it came to.
    pub local: SocketAddr,
    /// When it came, since the epoch.
    pub time: Duration,
    /// Bytes of its body, where they are known.
    pub size: Option<u64>,
    /// As far as it is shown.
    pub body: &'a [u8],
}

/// A `CheckRequest`, as one message of gRPC. `shown`: which of the headers it has.
pub fn request(shown: &Names, facts: &Facts<'_>) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, &time(facts.time));
    request.message(2, &http(shown, facts));
    let mut context = Message::default();
    context.message(1, &peer(facts.client));
    context.message(2, &peer(facts.local));
    context.message(4, &request);
    let mut check = Message::default();
    check.message(1, &context);
    frame(&check.into_bytes())
}

/// A message with its prefix: not compressed, and its length ("Length-Prefixed-Message" of gRPC
/// over HTTP/2).
fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut framed = Vec::with_capacity(message.len() + 5);
    framed.push(0);
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(message);
    framed
}

/// `google.protobuf.Timestamp`.
fn time(since: Duration) -> Message {
    let mut time = Message::default();
    time.number(1, since.as_secs());
    time.number(2, u64::from(since.subsec_nanos()));
    time
}

/// `AttributeContext.Peer` with its `address.socket_address`, of protocol TCP.
fn peer(address: SocketAddr) -> Message {
    let mut socket = Message::default();
    socket.text(2, &address.ip().to_canonical().to_string());
    socket.number(3, u64::from(address.port()));
    let mut outer = Message::default();
    outer.message(1, &socket);
    let mut peer = Message::default();
    peer.message(1, &outer);
    peer
}

/// `AttributeContext.HttpRequest`.
fn http(shown: &Names, facts: &Facts<'_>) -> Message {
    let first = |name| {
        let value = facts.headers.get(name).map(HeaderValue::as_bytes);
        String::from_utf8_lossy(value.unwrap_or_default())
    };
    let target = facts.target.path_and_query();
    let mut http = Message::default();
    http.text(1, &first(X_REQUEST_ID));
    http.text(2, facts.method.as_str());
    for (name, value) in merged(&shown.of(facts.headers)) {
        let mut entry = Message::default();
        entry.text(1, name.as_str());
        entry.text(2, &value);
        http.message(3, &entry);
    }
    http.text(4, target.map_or("/", |target| target.as_str()));
    http.text(5, &first(header::HOST));
    http.text(6, facts.scheme.as_str());
    // -1 where nobody knows.
    http.number(9, facts.size.unwrap_or(u64::MAX));
    http.text(10, protocol(facts.version));
    match std::str::from_utf8(facts.body) {
        Ok(text) => http.text(11, text),
        // A string has to be UTF-8.
        Err(_) => http.bytes(12, facts.body),
    }
    http
}

/// Headers of one name joined, as HTTP allows; text that is not UTF-8 is replaced, since a server
/// could not read the message with it.
fn merged(headers: &HeaderMap) -> Vec<(&HeaderName, Cow<'_, str>)> {
    let joined = |name: &HeaderName| {
        let values = headers.get_all(name).iter();
        let values: Vec<&[u8]> = values.map(HeaderValue::as_bytes).collect();
        let between: &[u8] = if *name == header::COOKIE { b"; " } else { b"," };
        match &*values {
            [one] => String::from_utf8_lossy(one),
            _ => String::from_utf8_lossy(&values.join(between))
                .into_owned()
                .into(),
        }
    };
    headers.keys().map(|name| (name, joined(name))).collect()
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}

#[cfg(test)]
mod tests;
