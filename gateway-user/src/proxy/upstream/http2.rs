//! Requests on HTTP/2 connections.

use std::error::Error as _;

use h2::Reason;
use hyper::{Request, client::conn::TrySendError};

use super::{Failure, Outgoing, Reply, To, connect, is_closed};
use crate::proxy::{
    body::{Replay, RequestBody},
    pool::Lease,
    worker::Worker,
};

/// How often a request is sent when backends hand it back.
const ATTEMPTS: usize = 3;

/// A request that a backend hands back (its connection is going away, or has too many streams) is
/// sent again, if the beginning of its body is still there; to another endpoint, if there is one.
/// An idempotent one without a body also if the connection broke.
pub(super) async fn send(
    worker: &Worker,
    to: To<'_>,
    Outgoing {
        parts, body, pause, ..
    }: Outgoing<'_>,
) -> Result<Reply, Failure> {
    let (replay, sent) = Replay::new(body, pause);
    let idempotent = replay.is_empty() && parts.method.is_idempotent();
    let connect_to = async |endpoint| worker.pool.http2(endpoint, to.tls).await;
    let mut avoid = None;
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let Some(body) = replay.body() else { break };
        let (endpoint, lease) = connect(worker, to, avoid, connect_to).await?;
        let error = match lease.send(Request::from_parts(parts.clone(), body)).await {
            Some(Ok(response)) => {
                replay.forget();
                return Ok(Reply::new(endpoint, response, Lease::Http2(lease), sent));
            }
            Some(Err(error)) => error,
            None => return Err(Failure::reset("the connection was never opened")),
        };
        let again = is_handed_back(&error) || (idempotent && is_closed(error.error()));
        let failure = Failure::from(error.into_error()).unless_of_the_client(&sent);
        if !again || sent.fault().is_some() {
            return Err(failure);
        }
        worker.metrics.retried();
        avoid = Some(endpoint);
        last = Some(failure);
    }
    Err(last.unwrap_or_else(|| Failure::reset("the request was never sent")))
}

/// Whether nothing was done with a request: it was never sent, its stream is above the last one
/// of a GOAWAY, or refused (RFC 9113 section 8.7).
fn is_handed_back(error: &TrySendError<Request<RequestBody>>) -> bool {
    let source = error.error().source();
    let source = source.and_then(|e| e.downcast_ref::<h2::Error>());
    let refused = source.is_some_and(|error| {
        let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
        error.is_remote() && (error.is_go_away() || refused)
    });
    error.message().is_some() || refused
}
