//! The HTTP proxy: one thread per worker, each with its own listening socket, connections and
//! upstream pool. Nothing is shared between workers but the routing table, the metrics,
//! and which endpoints fail.

use std::{
    io,
    net::SocketAddr,
    num::NonZeroUsize,
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use gateway_core::http::Table;
use tokio::{sync::oneshot, time};

mod access_log;
mod answer;
mod auth;
mod body;
mod client;
mod connection;
mod crew;
mod filters;
mod flag;
mod forward;
mod hello;
mod listeners;
mod local;
pub mod metrics;
mod mirror;
mod options;
mod outgoing;
mod pool;
mod request;
mod service;
mod session;
mod sharing;
mod sniff;
mod socket;
mod splice;
mod streaks;
mod tunnel;
mod upstream;
mod watched;
mod worker;

use access_log::AccessLog;
pub use metrics::Metrics;
pub use options::{Limits, ProxyOptions};

use self::crew::Crew;
use crate::health::Health;

/// How long the end of the access log may take.
const LAST_LINES: Duration = Duration::from_secs(1);

/// A running proxy. Dropping it without [`Proxy::shutdown`] closes every connection at once.
#[derive(Debug)]
pub struct Proxy {
    crew: Crew,
    /// Hears when the access log is written to its end.
    logged: oneshot::Receiver<()>,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

impl Proxy {
    /// Starts the workers. Each listens on ports of 127.0.0.1 and ::1 of its own; connections for the
    /// frontends' addresses are steered there by the kernel, and keep their local address, which
    /// selects the frontend. A connection to an address that the table does not have is closed.
    ///
    /// # Errors
    /// No socket, thread or runtime could be made.
    pub fn start(options: &ProxyOptions, table: Arc<ArcSwap<Table>>) -> Result<Self> {
        Self::start_logging(options, table, Box::new(io::stdout()))
    }

    /// As [`Proxy::start`], with another place than the standard output for lines about requests.
    ///
    /// # Errors
    /// No socket, thread or runtime could be made.
    pub fn start_logging(
        options: &ProxyOptions,
        table: Arc<ArcSwap<Table>>,
        log: Box<dyn io::Write + Send>,
    ) -> Result<Self> {
        let metrics = Arc::new(Metrics::default());
        let health = Arc::new(Health::default());
        let (access_log, logged) = AccessLog::start(log, metrics.lost_lines().clone())
            .context("cannot start the thread of the access log")?;
        let mut crew = Crew::new(worker::Shared {
            table,
            limits: options.limits.clone(),
            workers: Arc::default(),
            access_log,
            metrics: metrics.clone(),
            health: health.clone(),
        });
        crew.grow(options.workers.get())?;
        Ok(Self {
            crew,
            logged,
            metrics,
            health,
        })
    }

    /// How many workers take connections.
    pub fn workers(&self) -> usize {
        self.crew.len()
    }

    /// Starts workers until there are `count`; those that are there stay as they are.
    ///
    /// # Errors
    /// As [`Proxy::start`]; those before the one that failed run.
    pub fn grow(&mut self, count: usize) -> Result<()> {
        self.crew.grow(count)
    }

    /// Has the last workers leave until `count` are there. Lead no new connections to them first.
    /// They take what is on its way, ask clients to open another connection, and end with their
    /// last one; no request is lost.
    pub fn shrink(&mut self, count: NonZeroUsize) {
        self.crew.shrink(count.get());
    }

    /// The listening sockets for IPv4, one per worker in their order.
    pub fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.crew.listeners().map(|own| own.v4.as_fd())
    }

    /// Those for IPv6; none where the kernel has no IPv6.
    pub fn sockets_v6(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let sockets = self.crew.listeners();
        sockets.filter_map(|own| own.v6.as_ref().map(AsFd::as_fd))
    }

    /// The addresses that [`Proxy::sockets`] are bound to.
    ///
    /// # Errors
    /// The kernel does not tell; it always does for an open socket.
    pub fn local_addresses(&self) -> Result<Vec<SocketAddr>> {
        let all = self.crew.listeners().map(|own| own.v4.local_addr());
        Ok(all.collect::<io::Result<_>>()?)
    }

    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What the workers find out of endpoints.
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Stops accepting, lets requests in flight finish (`Connection: close`, GOAWAY), and closes
    /// what is left at the deadline. Tell load balancers that you are going away first.
    pub async fn shutdown(self, deadline: Duration) {
        self.crew.stop(deadline).await;
        // Whoever reads the log may be stuck; an error means that it is written.
        let _ = time::timeout(LAST_LINES, self.logged).await;
    }
}
