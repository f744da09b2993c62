//! How the watches are, for Prometheus.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Cheap to copy.
#[derive(Clone, Debug, Default)]
pub(super) struct WatchMetrics {
    failures: Family<[(&'static str, &'static str); 1], Counter>,
    failing: Gauge,
}

impl WatchMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "watch_failures",
            "Failed requests for lists and watches of the API server, by kind",
            self.failures.clone(),
        );
        registry.register(
            "watches_failing",
            "Kinds that cannot be watched at present: what was read before stays in force",
            self.failing.clone(),
        );
    }

    pub(super) fn failed(&self, kind: &'static str) {
        self.failures.get_or_create(&[("kind", kind)]).inc();
    }

    pub(super) fn failing(&self, kinds: usize) {
        self.failing.set(i64::try_from(kinds).unwrap_or(i64::MAX));
    }
}
