//! What is settled about a request before it goes anywhere: its id, and that it is not too large.

use std::time::{SystemTime, UNIX_EPOCH};

use gateway_core::http::request_id;
use http::{HeaderMap, HeaderValue, Version, header::EXPECT, request::Parts};
use hyper::body::{Body as _, Incoming};

use super::{answer::Answer, body, client::Client, worker::Worker};

/// By which other logs know the request.
pub(super) fn id(worker: &Worker, client: &Client, headers: &HeaderMap) -> Option<HeaderValue> {
    request_id::settle(headers, client.request_id.policy, || {
        request_id::make(now(), [worker.random(), worker.random()])
    })
}

/// Refuses what says itself that it is larger than the Gateway takes.
pub(super) fn bounded(client: &Client, parts: &Parts, body: Incoming) -> Result<Incoming, Answer> {
    let limits = &client.limits;
    let target = parts.uri.path_and_query().map_or(0, |t| t.as_str().len());
    if target > limits.target_bytes as usize {
        return Err(Answer::TargetTooLong);
    }
    if body.size_hint().lower() <= limits.body_bytes {
        return Ok(body);
    }
    // A client that asks before it sends is answered in time.
    if parts.version != Version::HTTP_2 && !parts.headers.contains_key(EXPECT) {
        body::drain(body);
    }
    Err(Answer::BodyTooLarge)
}

/// Milliseconds since the epoch.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
