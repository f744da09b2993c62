//! What the kernel programs counted, as metrics.

mod encode;

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use gateway_core::l4::{Gauges, sweep::splices::SpliceGauges};
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use self::encode::Snapshot;
use crate::{admin::InForce, bpf::Stats};

/// Backends with series of their own, those with the lowest ids: bounds what a scrape carries.
const BACKENDS_MAX: usize = 2_000;

/// Reads the counting maps at each scrape.
pub struct Kernel {
    pub stats: Stats,
    pub in_force: Arc<ArcSwap<InForce>>,
    pub flows: Arc<ArcSwap<Swept>>,
}

/// What sweeps of the tables of connections found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Swept {
    /// By the last one.
    pub live: Gauges,
    /// Flows that did not end before their backends' deadlines, by all of them.
    pub drained: u64,
    /// TLS passthrough, by the last sweep.
    pub splices: SpliceGauges,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel").finish_non_exhaustive()
    }
}

impl Collector for Kernel {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        match self.snapshot() {
            Ok(snapshot) => encode::encode(&snapshot, encoder),
            Err(error) => {
                // One family less is better than no metrics at all.
                tracing::warn!("metrics of the kernel are missing: {error:#}");
                Ok(())
            }
        }
    }
}

impl Kernel {
    fn snapshot(&self) -> anyhow::Result<Snapshot> {
        let stats = self.stats.backends()?;
        let in_force = self.in_force.load();
        let names = encode::backend_names(&in_force.translation.plan, &in_force.tables);
        Ok(Snapshot {
            counters: self.stats.counters()?,
            tls_outcomes: self.stats.tls_outcomes()?,
            tls_hellos: self.stats.tls_hellos()?,
            flows: **self.flows.load(),
            backends: encode::backend_stats(names, &stats, BACKENDS_MAX),
        })
    }
}
