//! Upstream connections of one worker, by endpoint.

use std::{
    cell::{Cell, RefCell},
    io,
    net::SocketAddr,
    rc::Rc,
};

use foldhash::HashMap;
use thiserror::Error;
use tokio::{net::TcpStream, time};

use super::{Limits, socket};

pub(super) mod http1;
pub(super) mod http2;

pub(super) struct Pool {
    endpoints: RefCell<HashMap<SocketAddr, Rc<Endpoint>>>,
    limits: Limits,
}

struct Endpoint {
    address: SocketAddr,
    in_flight: Cell<usize>,
    http1: http1::Connections,
    http2: http2::Connections,
}

/// What a request holds of an upstream connection while it is under way.
pub(super) enum Lease {
    /// A connection to itself; closed when dropped, unless given back.
    Http1(http1::Lease),
    /// A stream of a connection that others use, too.
    Http2(http2::Lease),
}

/// Counts a request as under way to an endpoint until dropped.
struct Count(Rc<Endpoint>);

#[derive(Clone, Debug, Error)]
pub(super) enum ConnectError {
    #[error("no answer from {0} in time")]
    Timeout(SocketAddr),
    #[error("cannot connect to {0}: {1}")]
    Io(SocketAddr, Rc<io::Error>),
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
            endpoint.http1.drop_idle(self.limits.upstream_idle);
            endpoint.http2.drop_idle(self.limits.idle_timeout);
            let unused = endpoint.http1.is_empty() && endpoint.http2.is_empty();
            endpoint.in_flight.get() > 0 || !unused
        });
    }

    fn count(&self, address: SocketAddr) -> Count {
        let mut endpoints = self.endpoints.borrow_mut();
        let new = || {
            Rc::new(Endpoint {
                address,
                in_flight: Cell::default(),
                http1: http1::Connections::default(),
                http2: http2::Connections::default(),
            })
        };
        let endpoint = endpoints.entry(address).or_insert_with(new).clone();
        endpoint.in_flight.set(endpoint.in_flight.get() + 1);
        Count(endpoint)
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
        let in_flight = &self.0.in_flight;
        in_flight.set(in_flight.get() - 1);
    }
}

async fn connect(endpoint: SocketAddr, limits: &Limits) -> Result<TcpStream, ConnectError> {
    let io = |error| ConnectError::Io(endpoint, Rc::new(error));
    let connecting = time::timeout(limits.connect_timeout, TcpStream::connect(endpoint));
    let stream = connecting
        .await
        .map_err(|_| ConnectError::Timeout(endpoint))?;
    let stream = stream.map_err(io)?;
    socket::prepare(&stream, limits.stall_timeout).map_err(io)?;
    Ok(stream)
}
