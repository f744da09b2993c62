//! Upstream connections of one worker, by endpoint.

use std::{
    cell::{Cell, RefCell},
    io,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use foldhash::HashMap;
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::{net::TcpStream, time};

use super::{Limits, body::RequestBody, socket};

/// A connection that just gave its last byte may need a moment before it takes a request.
const SETTLE: Duration = Duration::from_millis(20);

pub(super) struct Pool {
    endpoints: RefCell<HashMap<SocketAddr, Rc<Endpoint>>>,
    connect_timeout: Duration,
    stall_timeout: Duration,
    idle_timeout: Duration,
    idle_per_endpoint: usize,
}

#[derive(Default)]
struct Endpoint {
    /// The most recently used last.
    idle: RefCell<Vec<Idle>>,
    in_flight: Cell<usize>,
}

struct Idle {
    sender: http1::SendRequest<RequestBody>,
    since: Instant,
}

/// A connection while a request uses it; closed when dropped, unless given back.
pub(super) struct Lease {
    pool: Rc<Pool>,
    address: SocketAddr,
    endpoint: Rc<Endpoint>,
    sender: Option<http1::SendRequest<RequestBody>>,
    /// It has carried a request before, so the backend may be about to close it.
    pub(super) reused: bool,
}

#[derive(Debug, Error)]
pub(super) enum ConnectError {
    #[error("no answer from {0} in time")]
    Timeout(SocketAddr),
    #[error("cannot connect to {0}: {1}")]
    Io(SocketAddr, io::Error),
    #[error("cannot speak HTTP to {0}: {1}")]
    Http(SocketAddr, hyper::Error),
}

impl Pool {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            endpoints: RefCell::default(),
            connect_timeout: limits.connect_timeout,
            stall_timeout: limits.stall_timeout,
            idle_timeout: limits.upstream_idle,
            idle_per_endpoint: limits.upstream_idle_per_endpoint,
        }
    }

    /// Requests that this worker has under way to an endpoint.
    pub(super) fn load(&self, endpoint: SocketAddr) -> usize {
        let endpoints = self.endpoints.borrow();
        endpoints.get(&endpoint).map_or(0, |e| e.in_flight.get())
    }

    /// An idle connection that is still open, or a new one.
    pub(super) async fn lease(
        self: &Rc<Self>,
        endpoint: SocketAddr,
    ) -> Result<Lease, ConnectError> {
        let mut lease = self.count(endpoint);
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
        lease.connect().await?;
        Ok(lease)
    }

    /// A connection that no request has used yet.
    pub(super) async fn fresh(
        self: &Rc<Self>,
        endpoint: SocketAddr,
    ) -> Result<Lease, ConnectError> {
        let mut lease = self.count(endpoint);
        lease.connect().await?;
        Ok(lease)
    }

    /// Closes connections that were idle for too long; call it now and then.
    pub(super) fn drop_idle(&self) {
        self.endpoints.borrow_mut().retain(|_, endpoint| {
            let keep = |idle: &mut Idle| {
                !idle.sender.is_closed() && idle.since.elapsed() < self.idle_timeout
            };
            let mut idle = endpoint.idle.borrow_mut();
            idle.retain_mut(keep);
            endpoint.in_flight.get() > 0 || !idle.is_empty()
        });
    }

    fn count(self: &Rc<Self>, address: SocketAddr) -> Lease {
        let mut endpoints = self.endpoints.borrow_mut();
        let endpoint = endpoints.entry(address).or_default().clone();
        endpoint.in_flight.set(endpoint.in_flight.get() + 1);
        Lease {
            pool: self.clone(),
            address,
            endpoint,
            sender: None,
            reused: false,
        }
    }
}

impl Lease {
    fn pop(&self) -> Option<http1::SendRequest<RequestBody>> {
        let idle = self.endpoint.idle.borrow_mut().pop()?;
        // The others are older still; `drop_idle` closes them.
        (idle.since.elapsed() < self.pool.idle_timeout).then_some(idle.sender)
    }

    async fn connect(&mut self) -> Result<(), ConnectError> {
        let endpoint = self.address;
        let connecting = time::timeout(self.pool.connect_timeout, TcpStream::connect(endpoint));
        let stream = connecting
            .await
            .map_err(|_| ConnectError::Timeout(endpoint))?;
        let stream = stream.map_err(|error| ConnectError::Io(endpoint, error))?;
        socket::prepare(&stream, self.pool.stall_timeout)
            .map_err(|error| ConnectError::Io(endpoint, error))?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) =
            handshake.map_err(|error| ConnectError::Http(endpoint, error))?;
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
    pub(super) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Option<Result<Response<Incoming>, TrySendError<Request<RequestBody>>>> {
        Some(self.sender.as_mut()?.try_send_request(request).await)
    }

    /// Gives the connection back, after both bodies were read to their ends.
    pub(super) fn give_back(mut self) {
        let Some(sender) = self.sender.take().filter(|s| !s.is_closed()) else {
            return;
        };
        let mut idle = self.endpoint.idle.borrow_mut();
        if idle.len() < self.pool.idle_per_endpoint {
            let since = Instant::now();
            idle.push(Idle { sender, since });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let in_flight = &self.endpoint.in_flight;
        in_flight.set(in_flight.get() - 1);
    }
}
