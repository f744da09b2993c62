//! `envoy.service.auth.v3.Authorization/Check` (external_auth.proto, attribute_context.proto and
//! base.proto of Envoy's API v3): the call, and what its answer says.

use std::{collections::BTreeMap, net, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header};
use prost::Message as _;

use self::messages::{
    Address, Attributes, CheckRequest, HttpRequest, Peer, Request, SocketAddress, Timestamp,
};
use crate::{
    http::request_id::X_REQUEST_ID,
    plan::{Names, Scheme},
};

pub mod messages;
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
    pub client: net::SocketAddr,
    /// The frontend that it came to.
    pub local: net::SocketAddr,
    /// When it came, since the epoch.
    pub time: Duration,
    /// Bytes of its body, where they are known.
    pub size: Option<u64>,
    /// As far as it is shown.
    pub body: &'a [u8],
}

/// A `CheckRequest`, as one message of gRPC. `shown`: which of the headers it has.
pub fn request(shown: &Names, facts: &Facts<'_>) -> Vec<u8> {
    let request = Request {
        time: Some(Timestamp {
            seconds: i64::try_from(facts.time.as_secs()).unwrap_or(i64::MAX),
            nanos: facts.time.subsec_nanos().cast_signed(),
        }),
        http: Some(http(shown, facts)),
    };
    let attributes = Attributes {
        source: Some(peer(facts.client)),
        destination: Some(peer(facts.local)),
        request: Some(request),
    };
    let check = CheckRequest {
        attributes: Some(attributes),
    };
    frame(&check.encode_to_vec())
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

fn peer(address: net::SocketAddr) -> Peer {
    let socket_address = SocketAddress {
        address: address.ip().to_canonical().to_string(),
        port_value: address.port().into(),
    };
    let address = Address {
        socket_address: Some(socket_address),
    };
    Peer {
        address: Some(address),
    }
}

fn http(shown: &Names, facts: &Facts<'_>) -> HttpRequest {
    let first = |name| {
        let value = facts.headers.get(name).map(HeaderValue::as_bytes);
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    };
    let target = facts.target.path_and_query();
    let mut http = HttpRequest {
        id: first(X_REQUEST_ID),
        method: facts.method.to_string(),
        headers: merged(&shown.of(facts.headers)),
        path: target.map_or("/", |target| target.as_str()).to_owned(),
        host: first(header::HOST),
        scheme: facts.scheme.as_str().to_owned(),
        size: facts
            .size
            .map_or(-1, |size| i64::try_from(size).unwrap_or(-1)),
        protocol: protocol(facts.version).to_owned(),
        ..HttpRequest::default()
    };
    match str::from_utf8(facts.body) {
        Ok(text) => text.clone_into(&mut http.body),
        Err(_) => http.raw_body = facts.body.to_vec(),
    }
    http
}

/// Headers of one name joined, as HTTP allows; text that is not UTF-8 is replaced, since a server
/// could not read the message with it.
fn merged(headers: &HeaderMap) -> BTreeMap<String, String> {
    let joined = |name: &HeaderName| {
        let values = headers.get_all(name).iter();
        let values: Vec<&[u8]> = values.map(HeaderValue::as_bytes).collect();
        let between: &[u8] = if *name == header::COOKIE { b"; " } else { b"," };
        String::from_utf8_lossy(&values.join(between)).into_owned()
    };
    let names = headers.keys();
    names.map(|name| (name.to_string(), joined(name))).collect()
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
