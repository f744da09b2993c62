//! Upstream connections of one worker, by endpoint and by what its certificate must say.

use std::{
    cell::{Cell, RefCell},
    io,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
};

use foldhash::HashMap;
use gateway_core::plan::{BackendTls, Inside};
use thiserror::Error;

use super::Limits;

pub(super) mod http1;
pub(super) mod http2;
pub(super) mod stream;

pub(super) struct Pool {
    endpoints: RefCell<HashMap<SocketAddr, Rc<Endpoint>>>,
    limits: Limits,
}

struct Endpoint {
    address: SocketAddr,
    in_flight: Cell<usize>,
    clear: Rc<Connections>,
    /// Few: all who use an endpoint mostly ask the same of it.
    secure: RefCell<Vec<Secure>>,
}

/// Connections that any request may use that asks the same of the backend.
#[derive(Default)]
struct Connections {
    tls: Option<Arc<BackendTls>>,
    http1: http1::Connections,
    http2: http2::Connections,
}

struct Secure {
    /// The newest of what the connections were found equal to: after a reload of the table, the
    /// comparison of all that it holds is made once.
    newest: Arc<BackendTls>,
    connections: Rc<Connections>,
}

/// What a request holds of an upstream connection while it is under way.
pub(super) enum Lease {
    /// A connection to itself; closed when dropped, unless given back.
    Http1(http1::Lease),
    /// A stream of a connection that others use, too.
    Http2(http2::Lease),
}

/// Counts a request as under way to an endpoint until dropped.
struct Count {
    endpoint: Rc<Endpoint>,
    connections: Rc<Connections>,
}

#[derive(Clone, Debug, Error)]
pub(super) enum ConnectError {
    #[error("no answer from {0} in time")]
    Timeout(SocketAddr),
    #[error("cannot connect to {0}: {1}")]
    Io(SocketAddr, Rc<io::Error>),
    #[error("no TLS with {0}: {1}")]
    Tls(SocketAddr, Rc<io::Error>),
    #[error("cannot speak HTTP to {0}: {1}")]
    Http(SocketAddr, Rc<hyper::Error>),
}

impl Pool {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            endpoints: RefCell::default(),
            limits: limits.clone(),
        }
    }

    /// Requests that this worker has under way to an endpoint.
    pub(super) fn load(&self, endpoint: SocketAddr) -> usize {
        let endpoints = self.endpoints.borrow();
        endpoints.get(&endpoint).map_or(0, |e| e.in_flight.get())
    }

    /// Closes connections that were idle for too long; call it now and then.
    pub(super) fn drop_idle(&self) {
        self.endpoints.borrow_mut().retain(|_, endpoint| {
            endpoint.clear.drop_idle(&self.limits);
            let mut secure = endpoint.secure.borrow_mut();
            secure.retain(|secure| {
                secure.connections.drop_idle(&self.limits);
                // A request that is about to connect holds a reference, too.
                let used = Rc::strong_count(&secure.connections) > 1;
                used || !secure.connections.is_empty()
            });
            let unused = endpoint.clear.is_empty() && secure.is_empty();
            drop(secure);
            endpoint.in_flight.get() > 0 || !unused
        });
    }

    fn count(&self, address: SocketAddr, tls: Option<&Arc<BackendTls>>) -> Count {
        let mut endpoints = self.endpoints.borrow_mut();
        let new = || {
            Rc::new(Endpoint {
                address,
                in_flight: Cell::default(),
                clear: Rc::default(),
                secure: RefCell::default(),
            })
        };
        let endpoint = endpoints.entry(address).or_insert_with(new).clone();
        endpoint.in_flight.set(endpoint.in_flight.get() + 1);
        let connections = match tls {
            None => endpoint.clear.clone(),
            Some(tls) => endpoint.secure(tls),
        };
        Count {
            endpoint,
            connections,
        }
    }
}

impl Endpoint {
    fn secure(&self, tls: &Arc<BackendTls>) -> Rc<Connections> {
        let mut all = self.secure.borrow_mut();
        let same = |secure: &&mut Secure| Arc::ptr_eq(&secure.newest, tls) || secure.newest == *tls;
        if let Some(secure) = all.iter_mut().find(same) {
            if !Arc::ptr_eq(&secure.newest, tls) {
                secure.newest = tls.clone();
            }
            return secure.connections.clone();
        }
        let connections = Rc::new(Connections {
            tls: Some(tls.clone()),
            ..Connections::default()
        });
        all.push(Secure {
            newest: tls.clone(),
            connections: connections.clone(),
        });
        connections
    }
}

impl Connections {
    fn drop_idle(&self, limits: &Limits) {
        self.http1.drop_idle(limits.upstream_idle);
        self.http2.drop_idle(limits.idle_timeout);
    }

    fn is_empty(&self) -> bool {
        self.http1.is_empty() && self.http2.is_empty()
    }

    fn tls(&self, inside: Inside) -> Option<(&BackendTls, Inside)> {
        self.tls.as_deref().map(|tls| (tls, inside))
    }
}

impl Lease {
    /// Lets others use the connection, after both bodies were read to their ends.
    pub(super) fn give_back(self) {
        match self {
            Self::Http1(lease) => lease.give_back(),
            Self::Http2(lease) => drop(lease),
        }
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        let in_flight = &self.endpoint.in_flight;
        in_flight.set(in_flight.get() - 1);
    }
}
