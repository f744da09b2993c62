//! A thread that watches how the kernel's backends answer, for many take longer than the main loop
//! may wait.

use std::{
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use gateway_core::{health::Failing, l4::Silent};

use crate::{admin::InForce, bpf::Stats, health::Health};

const PERIOD: Duration = Duration::from_secs(1);

/// The thread ends with it.
#[derive(Debug)]
pub(super) struct Watcher {
    _end: Sender<()>,
}

impl Watcher {
    /// Backends that take no connections are told to `health`.
    pub(super) fn start(
        stats: Stats,
        in_force: Arc<ArcSwap<InForce>>,
        health: Arc<Health>,
    ) -> Result<Self> {
        let (end, ended) = channel();
        let started = Instant::now();
        let work = move || {
            let mut silent = Silent::default();
            while ended.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                let tables = Arc::clone(&in_force.load().tables);
                match stats.backends() {
                    Ok(stats) => {
                        for endpoint in silent.look(&tables, &stats, started.elapsed()) {
                            health.eject(endpoint, Failing::Connections);
                        }
                    }
                    // They come and go while they are read.
                    Err(error) => tracing::debug!("backends are not watched: {error:#}"),
                }
            }
        };
        let thread = thread::Builder::new()
            .name("backend-watcher".into())
            .spawn(work);
        thread.context("cannot start the thread that watches the backends")?;
        Ok(Self { _end: end })
    }
}
