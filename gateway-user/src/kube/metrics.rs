//! How the watches are and what is written, for Prometheus.

use gateway_core::api::Kind;
use prometheus_client::{
    encoding::EncodeLabelSet,
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

/// What is written to the API server. Cheap to copy.
#[derive(Clone, Debug, Default)]
pub(super) struct ControlMetrics {
    leader: Gauge,
    writes: Family<Written, Counter>,
    provisioned: Family<Written, Counter>,
    events: Family<[(&'static str, &'static str); 1], Counter>,
    reports: Family<[(&'static str, &'static str); 1], Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Written {
    kind: &'static str,
    result: &'static str,
}

impl ControlMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "leader",
            "Whether this node writes statuses and gives out addresses",
            self.leader.clone(),
        );
        registry.register(
            "status_writes",
            "Writes of statuses, by kind of object and result; a conflict is tried again",
            self.writes.clone(),
        );
        registry.register(
            "infrastructure_writes",
            "Writes of the Services and EndpointSlices that stand for Gateways, by kind and \
             result; a conflict is tried again",
            self.provisioned.clone(),
        );
        registry.register(
            "events",
            "Kubernetes Events on objects, by result",
            self.events.clone(),
        );
        registry.register(
            "node_reports",
            "Writes of what this node reports to its pod, by result",
            self.reports.clone(),
        );
    }

    pub(super) fn leads(&self, leads: bool) {
        self.leader.set(leads.into());
    }

    pub(super) fn wrote(&self, kind: Kind, result: &'static str) {
        let kind = kind.as_str();
        self.writes.get_or_create(&Written { kind, result }).inc();
    }

    pub(super) fn provisioned(&self, kind: Kind, result: &'static str) {
        let kind = kind.as_str();
        let counter = self.provisioned.get_or_create(&Written { kind, result });
        counter.inc();
    }

    pub(super) fn reported(&self, result: &'static str) {
        self.reports.get_or_create(&[("result", result)]).inc();
    }

    pub(super) fn event(&self, result: &'static str) {
        self.events.get_or_create(&[("result", result)]).inc();
    }
}
