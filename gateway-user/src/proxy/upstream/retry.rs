//! Requests that their rule wants repeated.

use std::{cell::Cell, net::SocketAddr, pin::pin, time::Duration};

use gateway_core::plan::{BackendId, BackendProtocol, Retry};
use http::request::Parts;
use hyper::{Request, Response, body::Incoming};
use tokio::time::{Instant, sleep};

use super::{Deadline, Failure, Kind, Outgoing, Reply, connect};
use crate::proxy::{
    body::{Replay, RequestBody, Sent, Upstream},
    pool::Lease,
    worker::Worker,
};

/// An answer that nobody wants may take so long to free its connection.
const DISCARDING: Duration = Duration::from_secs(1);

/// Where a request goes.
pub(super) struct To<'r> {
    pub(super) to: super::To<'r>,
    pub(super) protocol: BackendProtocol,
    pub(super) id: &'r BackendId,
}

/// What became of an attempt; the connection is that of the answer.
type Outcome = Result<(SocketAddr, Response<Incoming>, Lease), Failure>;

/// One attempt.
struct Attempt {
    /// Where the last one went: this one goes elsewhere, if it can.
    last: Cell<Option<SocketAddr>>,
    /// Nothing was sent, since a kept connection had closed: a new one is opened.
    unsent: Cell<bool>,
}

/// Sends a request again and again, until there is an answer that is no failure, its attempts or
/// its backend's budget are used up, or the beginning of its body is gone. The methods of requests
/// do not count: who asks for retries says that these can be repeated.
pub(super) async fn send(
    worker: &Worker,
    to: To<'_>,
    retry: &Retry,
    request: Outgoing<'_>,
) -> Result<Reply, Failure> {
    let Outgoing {
        parts, timeouts, ..
    } = request;
    let (replay, sent) = Replay::new(request.body, request.pause);
    let budget = worker.budget(to.id);
    let _request = budget.request();
    let attempt = Attempt {
        last: Cell::new(None),
        unsent: Cell::new(false),
    };
    // Held over all repeats of this request.
    let mut repeat = None;
    let mut repeats = 0;
    while let Some(body) = replay.body() {
        let deadline = Deadline::after(timeouts.backend, Kind::BackendTimeout);
        let attempted = pin!(attempt.make(worker, &to, parts.clone(), body));
        let outcome = deadline.bound(attempted).await;
        let outcome = outcome.map_err(|failure| failure.unless_of_the_client(&sent));
        if attempt.unsent.get() {
            worker.metrics.retried();
            continue;
        }
        let again = repeats < retry.attempts && is_failed(&outcome, retry) && replay.is_whole();
        if again && repeat.is_none() {
            repeat = budget.repeat();
        }
        if !again || repeat.is_none() {
            replay.forget();
            return finish(outcome, sent, deadline, repeats);
        }
        discard(outcome, &sent);
        worker.metrics.retried();
        sleep(retry.pause(repeats, worker.random())).await;
        repeats += 1;
    }
    Err(Failure::reset("the request cannot be sent again"))
}

fn is_failed(outcome: &Outcome, retry: &Retry) -> bool {
    match outcome {
        Ok((_, response, _)) => retry.wants(response.status().as_u16()),
        Err(failure) => matches!(
            failure.kind,
            Kind::Connect | Kind::ConnectTimeout | Kind::Tls | Kind::Reset | Kind::BackendTimeout
        ),
    }
}

fn finish(
    outcome: Outcome,
    sent: Sent,
    deadline: Deadline,
    repeats: u32,
) -> Result<Reply, Failure> {
    match outcome {
        Ok((endpoint, response, lease)) => {
            Ok(Reply::new(endpoint, response, lease, sent).until(deadline))
        }
        // One connection that breaks tells of a bad gateway, several of a backend that is away.
        Err(failure) if failure.kind == Kind::Reset && repeats > 0 => {
            let kind = Kind::Unsteady;
            Err(Failure { kind, ..failure })
        }
        Err(failure) => Err(failure),
    }
}

/// Frees the connection of an answer that is not passed on.
fn discard(outcome: Outcome, sent: &Sent) {
    if let Ok((_, response, lease)) = outcome {
        let deadline = Some(Instant::now() + DISCARDING);
        let body = Upstream::new(response.into_body(), lease, sent.clone(), deadline);
        tokio::task::spawn_local(body.discard());
    }
}

impl Attempt {
    async fn make(&self, worker: &Worker, to: &To<'_>, parts: Parts, body: RequestBody) -> Outcome {
        let request = Request::from_parts(parts, body);
        match to.protocol {
            BackendProtocol::Http1 => self.http1(worker, to.to, request).await,
            BackendProtocol::Http2 => self.http2(worker, to.to, request).await,
        }
    }

    async fn http1(
        &self,
        worker: &Worker,
        to: super::To<'_>,
        request: Request<RequestBody>,
    ) -> Outcome {
        let fresh = self.unsent.take();
        let open = async |endpoint| match fresh {
            true => worker.pool.fresh_http1(endpoint, to.tls).await,
            false => worker.pool.http1(endpoint, to.tls).await,
        };
        let (endpoint, mut lease) = connect(worker, to, self.last.get(), open).await?;
        self.last.set(Some(endpoint));
        match lease.send(request).await {
            Some(Ok(response)) => Ok((endpoint, response, Lease::Http1(lease))),
            Some(Err(error)) => {
                self.unsent.set(lease.reused && error.message().is_some());
                Err(error.into_error().into())
            }
            None => Err(Failure::reset("the connection was given back before")),
        }
    }

    async fn http2(
        &self,
        worker: &Worker,
        to: super::To<'_>,
        request: Request<RequestBody>,
    ) -> Outcome {
        let open = async |endpoint| worker.pool.http2(endpoint, to.tls).await;
        let (endpoint, lease) = connect(worker, to, self.last.get(), open).await?;
        self.last.set(Some(endpoint));
        match lease.send(request).await {
            Some(Ok(response)) => Ok((endpoint, response, Lease::Http2(lease))),
            Some(Err(error)) => Err(error.into_error().into()),
            None => Err(Failure::reset("the connection was never opened")),
        }
    }
}
