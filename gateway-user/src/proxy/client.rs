//! Client connections by the frontend that they arrived at, so that they can be closed with it.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use gateway_core::{
    http::forward,
    plan::{AccessLog, RequestId, Scheme},
};
use http::HeaderValue;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit},
    time::Instant,
};

use super::{Limits, metrics::Connected};

/// One client connection, as its requests see it.
pub(super) struct Client {
    /// Address and port of the frontend.
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    /// The client's own address, as headers have it.
    pub(super) address: HeaderValue,
    pub(super) scheme: Scheme,
    /// Server name of the TLS handshake; empty if the client sent none.
    pub(super) sni: Option<String>,
    /// Those of the frontend when the connection was opened.
    pub(super) limits: Limits,
    /// How its requests are logged, if they are.
    pub(super) access_log: Option<AccessLog>,
    pub(super) request_id: RequestId,
    /// Set for HTTP/1: which request has ambiguous framing.
    pub(super) ambiguous: Ambiguous,
    requests: Cell<u64>,
    in_flight: Cell<usize>,
    idle_since: Cell<Instant>,
    _slot: Slot,
}

/// How a frontend serves a connection.
pub(super) struct Terms {
    pub(super) limits: Limits,
    pub(super) access_log: Option<AccessLog>,
    pub(super) request_id: RequestId,
}

/// Counts a connection, in the limit and in the metrics, until dropped.
pub(super) struct Slot {
    pub(super) _permit: OwnedSemaphorePermit,
    pub(super) _connected: Connected,
}

/// Position of the first request with ambiguous framing on a connection, shared with the reader
/// of its bytes. `Arc` and atomic only because upgraded streams must be `Send`.
#[derive(Clone, Debug)]
pub(super) struct Ambiguous(Arc<AtomicU64>);

/// Counts a request as in flight until dropped.
pub(super) struct InFlight(Rc<Client>);

/// The connections of each frontend.
#[derive(Default)]
pub(super) struct Groups {
    open: RefCell<HashMap<SocketAddr, Rc<Group>>>,
    draining: Cell<bool>,
    leaving: Cell<bool>,
}

#[derive(Default)]
pub(super) struct Group {
    closed: Cell<bool>,
    leaving: Cell<bool>,
    wake: Notify,
}

impl Client {
    pub(super) fn new(
        local: SocketAddr,
        peer: SocketAddr,
        sni: Option<String>,
        terms: Terms,
        slot: Slot,
    ) -> Self {
        Self {
            local,
            peer,
            address: forward::client_address(peer.ip()),
            scheme: if sni.is_some() {
                Scheme::Https
            } else {
                Scheme::Http
            },
            sni,
            limits: terms.limits,
            access_log: terms.access_log,
            request_id: terms.request_id,
            ambiguous: Ambiguous(Arc::new(AtomicU64::new(u64::MAX))),
            requests: Cell::new(0),
            in_flight: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
            _slot: slot,
        }
    }

    /// Counts a new request; true if its framing is ambiguous.
    pub(super) fn next_request(self: &Rc<Self>) -> (InFlight, bool) {
        let position = self.requests.replace(self.requests.get() + 1);
        self.in_flight.set(self.in_flight.get() + 1);
        (
            InFlight(self.clone()),
            position >= self.ambiguous.0.load(Ordering::Relaxed),
        )
    }

    /// Since when no request is in flight; `None` while one is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        (self.in_flight.get() == 0).then(|| self.idle_since.get())
    }
}

impl Ambiguous {
    pub(super) fn set(&self, position: u64) {
        self.0.store(position, Ordering::Relaxed);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get() - 1);
        self.0.idle_since.set(Instant::now());
    }
}

impl Groups {
    /// The group of connections to `local`, to wait for its end.
    pub(super) fn join(&self, local: SocketAddr) -> Rc<Group> {
        let group = self.open.borrow_mut().entry(local).or_default().clone();
        // The proxy may be about to stop, with connections that it still accepts.
        group.closed.set(self.draining.get());
        group.leaving.set(self.leaving.get());
        group
    }

    /// How many connections to `local` there are.
    pub(super) fn count(&self, local: SocketAddr) -> usize {
        let open = self.open.borrow();
        // The map has one reference, each connection another.
        open.get(&local)
            .map_or(0, |group| Rc::strong_count(group) - 1)
    }

    /// Ends every connection, also those that join later.
    pub(super) fn close_all(&self) {
        self.draining.set(true);
        self.close_unless(|_| false);
    }

    /// The worker leaves while the proxy goes on: clients shall move to another connection, each
    /// when it can do so without losing a request.
    pub(super) fn leave(&self) {
        self.leaving.set(true);
        for group in self.open.borrow().values() {
            group.leaving.set(true);
            group.wake.notify_waiters();
        }
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.get()
    }

    pub(super) fn close_unless(&self, wanted: impl Fn(SocketAddr) -> bool) {
        self.open.borrow_mut().retain(|local, group| {
            let keep = wanted(*local);
            if !keep {
                group.closed.set(true);
                group.wake.notify_waiters();
            }
            keep
        });
    }
}

impl Group {
    /// Returns when the connections of this group shall finish and close.
    pub(super) async fn closed(&self) {
        // No await between the check and the first poll of `notified`: one thread, no race.
        while !self.closed.get() {
            self.wake.notified().await;
        }
    }

    /// As [`Group::closed`], also when the worker leaves.
    pub(super) async fn left(&self) {
        while !self.closed.get() && !self.leaving.get() {
            self.wake.notified().await;
        }
    }
}
