//! HTTP/2 connections: each carries many requests at once.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use gateway_core::plan::{BackendTls, Inside};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{TrySendError, http2},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::OnceCell;

use super::{
    ConnectError, Count, Pool,
    stream::{self, Stream},
};
use crate::proxy::{Limits, body::RequestBody, local::OnThisThread};

/// Connections to an endpoint that may take more streams.
#[derive(Default)]
pub(super) struct Connections(RefCell<Vec<Rc<Connection>>>);

/// A connection, open or about to be: requests that come while it is being opened wait for it,
/// and all learn when that fails.
struct Connection {
    opened: OnceCell<Result<Open, ConnectError>>,
    /// In use or promised.
    streams: Cell<usize>,
    idle_since: Cell<Instant>,
}

struct Open {
    sender: http2::SendRequest<RequestBody>,
    driver: Rc<Driver>,
}

/// What moves requests from senders to streams; `None` once that is over.
struct Driver(RefCell<Option<Connected>>);

type Connected = http2::Connection<TokioIo<Stream>, RequestBody, OnThisThread>;

/// A stream of a connection; the place is free for another one when it is dropped.
pub(in crate::proxy) struct Lease {
    connection: Rc<Connection>,
    count: Count,
}

impl Connections {
    /// One with room for another stream; a new one if there is none.
    fn choose(&self, limit: usize) -> Rc<Connection> {
        let mut all = self.0.borrow_mut();
        all.retain(|connection| !connection.is_closed());
        let found = all.iter().find(|c| c.streams.get() < c.capacity(limit));
        if let Some(found) = found {
            return found.clone();
        }
        let new = Rc::new(Connection {
            opened: OnceCell::new(),
            streams: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
        });
        all.push(new.clone());
        new
    }

    pub(super) fn drop_idle(&self, limit: Duration) {
        self.0.borrow_mut().retain(|connection| {
            let used = connection.streams.get() > 0;
            !connection.is_closed() && (used || connection.idle_since.get().elapsed() < limit)
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

impl Connection {
    fn is_closed(&self) -> bool {
        match self.opened.get() {
            None => false,
            Some(Ok(open)) => open.sender.is_closed(),
            Some(Err(_)) => true,
        }
    }

    /// Streams that both sides allow.
    fn capacity(&self, limit: usize) -> usize {
        match self.opened.get() {
            None | Some(Err(_)) => limit,
            Some(Ok(open)) => {
                let driver = open.driver.0.borrow();
                let theirs = driver.as_ref().map(Connected::current_max_send_streams);
                limit.min(theirs.unwrap_or_default())
            }
        }
    }
}

impl Pool {
    /// A stream of a connection that has room for it, or of a new one.
    pub(in crate::proxy) async fn http2(
        &self,
        endpoint: SocketAddr,
        tls: Option<&Arc<BackendTls>>,
    ) -> Result<Lease, ConnectError> {
        let count = self.count(endpoint, tls);
        let connection = count.connections.http2.choose(self.limits.upstream_streams);
        connection.streams.set(connection.streams.get() + 1);
        let lease = Lease { connection, count };
        let opened = &lease.connection.opened;
        let tls = lease.count.connections.tls(Inside::Http2);
        // Apart, so that requests for which one is open stay small.
        let open = || Box::pin(open(endpoint, tls, &self.limits));
        match opened.get_or_init(open).await {
            Ok(_) => Ok(lease),
            Err(error) => Err(error.clone()),
        }
    }
}

async fn open(
    endpoint: SocketAddr,
    tls: Option<(&BackendTls, Inside)>,
    limits: &Limits,
) -> Result<Open, ConnectError> {
    let stream = stream::connect(endpoint, tls, limits).await?;
    let mut builder = http2::Builder::new(OnThisThread);
    let window = limits.h2_stream_window;
    let streams = u32::try_from(limits.upstream_streams).unwrap_or(u32::MAX);
    // Room for all streams: those whose clients do not read never hold up the others. No pings:
    // servers of gRPC take them for an attack, and TCP sees to it that the peer is there.
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(limits.head_bytes)
        .initial_stream_window_size(window)
        .initial_connection_window_size(window.saturating_mul(streams).min(MAX_WINDOW));
    let handshake = builder.handshake(TokioIo::new(stream)).await;
    let (sender, connection) =
        handshake.map_err(|error| ConnectError::Http(endpoint, Rc::new(error)))?;
    let driver = Rc::new(Driver(RefCell::new(Some(connection))));
    tokio::task::spawn_local(drive(endpoint, driver.clone()));
    Ok(Open { sender, driver })
}

/// Largest window of HTTP/2 (RFC 9113 section 6.9.1).
const MAX_WINDOW: u32 = (1 << 31) - 1;

async fn drive(endpoint: SocketAddr, driver: Rc<Driver>) {
    let ended = poll_fn(|cx| {
        let mut connected = driver.0.borrow_mut();
        let connected = connected.as_mut();
        connected.map_or(Poll::Ready(Ok(())), |connected| {
            Pin::new(connected).poll(cx)
        })
    });
    let ended = ended.await;
    // Gives back what was not sent, and tells senders that it is over.
    drop(driver.0.take());
    if let Err(error) = ended {
        tracing::debug!(%endpoint, %error, "upstream connection ended");
    }
}

impl Lease {
    /// Sends a request. `None` cannot be: a lease is of an open connection.
    pub(in crate::proxy) async fn send(
        &self,
        request: Request<RequestBody>,
    ) -> Option<Result<Response<Incoming>, TrySendError<Request<RequestBody>>>> {
        let open = self.connection.opened.get()?.as_ref().ok()?;
        Some(open.sender.clone().try_send_request(request).await)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let connection = &self.connection;
        connection.streams.set(connection.streams.get() - 1);
        connection.idle_since.set(Instant::now());
    }
}
