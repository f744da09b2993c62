//! Sessions of clients, for rules that have them.

use std::{
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use gateway_core::{
    http::{Backend, Rule, Seat},
    plan::Scheme,
};
use http::HeaderMap;

/// Where the session of a request is, if it has one.
pub(super) fn seat<'r>(rule: &'r Rule, headers: &HeaderMap) -> Option<Seat<'r>> {
    rule.session.as_ref()?.seat(headers, now())
}

/// Tells the client which endpoint answered.
pub(super) fn tell(
    rule: &Rule,
    seat: Option<Seat<'_>>,
    backend: &Backend,
    endpoint: SocketAddr,
    scheme: Scheme,
    headers: &mut HeaderMap,
) {
    if let Some((session, ready)) = rule.session.as_ref().zip(backend.target.as_ref()) {
        session.tell(seat, (&ready.id, endpoint), scheme, now(), headers);
    }
}

/// Seconds since the epoch.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
