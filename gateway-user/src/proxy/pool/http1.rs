//! HTTP/1.1 connections: each carries one request after the other.

use std::{
    cell::RefCell,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use gateway_core::plan::{BackendTls, Inside};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use tokio::time;

use super::{ConnectError, Count, Pool, stream};
use crate::proxy::body::RequestBody;

/// A connection that just gave its last byte may need a moment before it takes a request.
const SETTLE: Duration = Duration::from_millis(20);

/// Idle connections to an endpoint, the most recently used last.
#[derive(Default)]
pub(super) struct Connections(RefCell<Vec<Idle>>);

struct Idle {
    sender: http1::SendRequest<RequestBody>,
    since: Instant,
}

/// A connection while a request uses it; closed when dropped, unless given back.
pub(in crate::proxy) struct Lease {
    pool: Rc<Pool>,
    count: Count,
    sender: Option<http1::SendRequest<RequestBody>>,
    /// It has carried a request before, so the backend may be about to close it.
    pub(in crate::proxy) reused: bool,
}

impl Connections {
    pub(super) fn drop_idle(&self, limit: Duration) {
        let keep = |idle: &mut Idle| !idle.sender.is_closed() && idle.since.elapsed() < limit;
        self.0.borrow_mut().retain_mut(keep);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

impl Pool {
    /// An idle connection that is still open, or a new one.
    pub(in crate::proxy) async fn http1(
        self: &Rc<Self>,
        endpoint: SocketAddr,
        tls: Option<&Arc<BackendTls>>,
    ) -> Result<Lease, ConnectError> {
        let mut lease = self.lease(endpoint, tls);
        while let Some(mut sender) = lease.pop() {
            let usable = sender.is_ready()
                || (!sender.is_closed()
                    && time::timeout(SETTLE, sender.ready())
                        .await
                        .is_ok_and(|r| r.is_ok()));
            if usable {
                lease.sender = Some(sender);
                lease.reused = true;
                return Ok(lease);
            }
        }
        lease.opened().await
    }

    /// A connection that no request has used yet.
    pub(in crate::proxy) async fn fresh_http1(
        self: &Rc<Self>,
        endpoint: SocketAddr,
        tls: Option<&Arc<BackendTls>>,
    ) -> Result<Lease, ConnectError> {
        self.lease(endpoint, tls).opened().await
    }

    fn lease(self: &Rc<Self>, endpoint: SocketAddr, tls: Option<&Arc<BackendTls>>) -> Lease {
        Lease {
            pool: self.clone(),
            count: self.count(endpoint, tls),
            sender: None,
            reused: false,
        }
    }
}

impl Lease {
    fn pop(&self) -> Option<http1::SendRequest<RequestBody>> {
        let idle = self.count.connections.http1.0.borrow_mut().pop()?;
        // The others are older still; `drop_idle` closes them.
        (idle.since.elapsed() < self.pool.limits.upstream_idle).then_some(idle.sender)
    }

    /// With a new connection.
    async fn opened(mut self) -> Result<Self, ConnectError> {
        // Apart, so that requests for which one is open stay small.
        Box::pin(self.connect()).await?;
        Ok(self)
    }

    async fn connect(&mut self) -> Result<(), ConnectError> {
        let endpoint = self.count.endpoint.address;
        let tls = self.count.connections.tls(Inside::Http1);
        let stream = stream::connect(endpoint, tls, &self.pool.limits).await?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) =
            handshake.map_err(|error| ConnectError::Http(endpoint, Rc::new(error)))?;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%endpoint, %error, "upstream connection ended");
            }
        });
        self.sender = Some(sender);
        Ok(())
    }

    /// Sends a request; the error gives it back if nothing of it was sent. `None`: this lease
    /// was given back before.
    pub(in crate::proxy) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Option<Result<Response<Incoming>, TrySendError<Request<RequestBody>>>> {
        Some(self.sender.as_mut()?.try_send_request(request).await)
    }

    pub(super) fn give_back(mut self) {
        let Some(sender) = self.sender.take().filter(|s| !s.is_closed()) else {
            return;
        };
        let mut idle = self.count.connections.http1.0.borrow_mut();
        if idle.len() < self.pool.limits.upstream_idle_per_endpoint {
            let since = Instant::now();
            idle.push(Idle { sender, since });
        }
    }
}
