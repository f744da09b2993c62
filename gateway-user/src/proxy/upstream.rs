//! Sending a request to one of a backend's endpoints, with the retries that are safe.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use gateway_core::{
    balance::least_loaded,
    http::Backend,
    plan::{BackendProtocol, BackendTls, Retry, Timeouts},
};
use http::request::Parts;
use hyper::{Request, Response, body::Incoming};
use thiserror::Error;
use tokio::time::Instant;

use super::{
    body::{BodyError, Inbound, RequestBody, Sent},
    pool::{ConnectError, Lease},
    worker::Worker,
};

mod deadline;
mod http2;
mod retry;

use deadline::Deadline;

/// Endpoints that are tried before a request fails because none takes a connection.
pub(super) const CONNECT_ATTEMPTS: usize = 3;

/// No answer from the backend.
#[derive(Debug, Error)]
#[error("{kind}: {detail}")]
pub(super) struct Failure {
    pub(super) kind: Kind,
    /// For the log; the client does not see it.
    pub(super) detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub(super) enum Kind {
    #[error("the backend does not take connections")]
    Connect,
    #[error("the backend does not answer")]
    ConnectTimeout,
    #[error("the backend cannot be trusted, or does not speak TLS")]
    Tls,
    #[error("the backend closed the connection before answering")]
    Reset,
    #[error("the backend's answer is not valid HTTP")]
    Protocol,
    /// Not the backend's fault.
    #[error("the rest of the request did not come in time")]
    Silent,
    /// Not the backend's fault either.
    #[error("the request's body is malformed or ends early")]
    Malformed,
    /// Nor this.
    #[error("the request's body is larger than this gateway takes")]
    TooLarge,
    #[error("the backend closed every connection before answering")]
    Unsteady,
    #[error("the backend took longer than the route allows")]
    BackendTimeout,
    #[error("the request took longer than its route allows")]
    RequestTimeout,
}

/// A request for a backend.
pub(super) struct Outgoing<'r> {
    pub(super) parts: Parts,
    pub(super) body: Inbound,
    /// Longest pause of the client before the request is given up; `None`: any.
    pub(super) pause: Option<Duration>,
    pub(super) timeouts: Timeouts,
    /// Whether failures are repeated.
    pub(super) retry: Option<&'r Retry>,
    /// The endpoint of the client's session.
    pub(super) seat: Option<SocketAddr>,
}

/// Where a request may go, and how.
#[derive(Clone, Copy)]
struct To<'a> {
    endpoints: &'a [SocketAddr],
    tls: Option<&'a Arc<BackendTls>>,
    /// The endpoint of the client's session, which goes before the others.
    seat: Option<SocketAddr>,
}

/// A backend's answer, and the connection that its body comes on.
pub(super) struct Reply {
    pub(super) endpoint: SocketAddr,
    pub(super) response: Response<Incoming>,
    pub(super) lease: Lease,
    pub(super) sent: Sent,
    /// When its body has to be through.
    pub(super) deadline: Option<Instant>,
}

/// Sends a request to one of a backend's `endpoints`; its head is already one of the backend's
/// protocol.
pub(super) async fn send(
    worker: &Worker,
    backend: &Backend,
    endpoints: &[SocketAddr],
    request: Outgoing<'_>,
) -> Result<Reply, Failure> {
    let to = To {
        endpoints,
        tls: backend.tls.as_ref(),
        seat: request.seat,
    };
    let Timeouts {
        request: whole,
        backend: each,
    } = request.timeouts;
    let whole = Deadline::after(whole, Kind::RequestTimeout);
    if let Some((retry, id)) = request.retry.zip(backend.target.as_ref()) {
        let to = retry::To {
            to,
            protocol: backend.protocol,
            id: &id.id,
        };
        // Apart, so that requests that need none of it stay small.
        let mut attempts = Box::pin(retry::send(worker, to, retry, request));
        return Ok(whole.bound(attempts.as_mut()).await?.until(whole));
    }
    let deadline = Deadline::after(each, Kind::BackendTimeout).earlier(whole);
    let reply = match backend.protocol {
        BackendProtocol::Http1 => {
            let attempt = pin!(http1(worker, to, request));
            deadline.bound(attempt).await
        }
        BackendProtocol::Http2 => {
            let attempt = pin!(http2::send(worker, to, request));
            deadline.bound(attempt).await
        }
    };
    Ok(reply?.until(deadline))
}

/// A connection that cannot be opened is tried elsewhere. A reused connection that closes under
/// the request is replaced once, by one to another endpoint if there is one, as this one may be
/// about to end: always if nothing was sent, else only for an idempotent request without a body
/// (RFC 9110 section 9.2.2).
async fn http1(
    worker: &Worker,
    to: To<'_>,
    Outgoing {
        parts, body, pause, ..
    }: Outgoing<'_>,
) -> Result<Reply, Failure> {
    let connect = async |endpoint| worker.pool.http1(endpoint, to.tls).await;
    let (endpoint, mut lease) = self::connect(worker, to, None, connect).await?;
    let (body, sent) = RequestBody::new(body, pause);
    let replay = lease.reused && body.is_empty() && parts.method.is_idempotent();
    let copy = replay.then(|| parts.clone());
    let first = lease.send(Request::from_parts(parts, body)).await;
    let mut error = match first {
        Some(Ok(response)) => return Ok(Reply::new(endpoint, response, Lease::Http1(lease), sent)),
        Some(Err(error)) => error,
        None => return Err(Failure::reset("the connection was given back before")),
    };
    let copy = copy.filter(|_| is_closed(error.error()));
    let copy = copy.map(|parts| Request::from_parts(parts, RequestBody::Empty));
    let reused = lease.reused;
    drop(lease);
    let Some(request) = error.take_message().filter(|_| reused).or(copy) else {
        return Err(error.into_error().into());
    };
    worker.metrics.retried();
    // Apart, as few requests need it.
    Box::pin(anew(worker, to, endpoint, request, sent)).await
}

/// Sends a request that a connection to `avoid` did not carry, on a new connection.
async fn anew(
    worker: &Worker,
    to: To<'_>,
    avoid: SocketAddr,
    request: Request<RequestBody>,
    sent: Sent,
) -> Result<Reply, Failure> {
    // A pooled connection may be as stale as the first.
    let connect = async |endpoint| worker.pool.fresh_http1(endpoint, to.tls).await;
    let (endpoint, mut lease) = self::connect(worker, to, Some(avoid), connect).await?;
    match lease.send(request).await {
        Some(Ok(response)) => Ok(Reply::new(endpoint, response, Lease::Http1(lease), sent)),
        Some(Err(error)) => Err(error.into_error().into()),
        None => Err(Failure::reset("the connection was given back before")),
    }
}

/// A connection to the less loaded of two endpoints, or to another one if that takes none.
/// `avoid` is chosen only where there is no other.
async fn connect<L>(
    worker: &Worker,
    To {
        endpoints, seat, ..
    }: To<'_>,
    avoid: Option<SocketAddr>,
    lease: impl AsyncFn(SocketAddr) -> Result<L, ConnectError>,
) -> Result<(SocketAddr, L), Failure> {
    let mut failed: Vec<SocketAddr> = Vec::new();
    let mut last = None;
    for _ in 0..CONNECT_ATTEMPTS {
        // Those that failed a moment ago count as the most loaded.
        let load = |e: &SocketAddr| {
            let bad = failed.contains(e) || avoid == Some(*e);
            (bad, worker.pool.load(*e))
        };
        let seat = seat.filter(|seat| !failed.contains(seat) && avoid != Some(*seat));
        let chosen = seat.or_else(|| least_loaded(endpoints, worker.random(), load).copied());
        let Some(endpoint) = chosen else {
            break;
        };
        match lease(endpoint).await {
            Ok(lease) => return Ok((endpoint, lease)),
            Err(error) => {
                tracing::debug!(%endpoint, %error, "cannot use an endpoint");
                let failure = Failure::from(error);
                worker.metrics.upstream_error(failure.kind);
                worker.streaks.no_connection(endpoint);
                failed.push(endpoint);
                last = Some(failure);
            }
        }
        if failed.len() >= endpoints.len() {
            break;
        }
    }
    Err(last.unwrap_or_else(|| Failure::reset("no endpoint to connect to")))
}

/// Whether the connection ended before an answer.
fn is_closed(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    let io = source.is_some_and(|source| {
        let http2 = source.downcast_ref::<h2::Error>();
        source.is::<std::io::Error>() || http2.is_some_and(h2::Error::is_io)
    });
    error.is_incomplete_message() || error.is_closed() || error.is_canceled() || io
}

impl Reply {
    fn new(endpoint: SocketAddr, response: Response<Incoming>, lease: Lease, sent: Sent) -> Self {
        sent.answered();
        Self {
            endpoint,
            response,
            lease,
            sent,
            deadline: None,
        }
    }

    /// Its body has to be through before the deadline, too.
    fn until(mut self, deadline: Deadline) -> Self {
        let known = self.deadline.into_iter().chain(deadline.at);
        self.deadline = known.min();
        self
    }
}

impl Failure {
    /// Puts it right where the client's body broke the request off: HTTP/2 does not tell.
    fn unless_of_the_client(self, sent: &Sent) -> Self {
        let kind = sent.fault().unwrap_or(self.kind);
        Self { kind, ..self }
    }

    fn reset(detail: &str) -> Self {
        let detail = detail.to_owned();
        let kind = Kind::Reset;
        Self { kind, detail }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let kind = match error {
            ConnectError::Timeout(_) => Kind::ConnectTimeout,
            ConnectError::Tls(..) => Kind::Tls,
            ConnectError::Io(..) | ConnectError::Http(..) => Kind::Connect,
        };
        let detail = error.to_string();
        Self { kind, detail }
    }
}

impl From<hyper::Error> for Failure {
    fn from(error: hyper::Error) -> Self {
        let source = std::error::Error::source(&error);
        let of_the_client = source.and_then(|e| e.downcast_ref::<BodyError>()?.fault());
        let kind = match of_the_client {
            Some(kind) => kind,
            _ if error.is_parse() => Kind::Protocol,
            _ => Kind::Reset,
        };
        let detail = error.to_string();
        Self { kind, detail }
    }
}
