//! What a node does in the cluster beside carrying traffic: candidate, writer, teller of events.

use kube::Client;
use prometheus_client::registry::Registry;
use tokio::{sync::watch, task::JoinSet};

use super::{
    client::Identity, events::Events, leader::Leader, metrics::ControlMetrics, reporter::Reporter,
    source::Source, writer::Writer,
};

/// Has statuses written and events told while this node leads.
pub struct Control {
    leader: Leader,
    leads: watch::Receiver<bool>,
    metrics: ControlMetrics,
    _tasks: JoinSet<()>,
}

impl Control {
    /// What there is to tell comes from `source`.
    pub fn start(client: &Client, identity: &Identity, source: &Source) -> Self {
        let metrics = ControlMetrics::default();
        let leader = Leader::start(client, identity, metrics.clone(), source.heartbeat());
        let leads = leader.leads();
        let events = Events::start(client.clone(), identity, metrics.clone());
        let writer = Writer::new(
            client.clone(),
            source.newest(),
            leads.clone(),
            events,
            metrics.clone(),
        );
        let mut tasks = JoinSet::new();
        tasks.spawn(writer.run());
        let report = source.own_report();
        tasks.spawn(Reporter::new(client.clone(), identity, report, metrics.clone()).run());
        Self {
            leader,
            leads,
            metrics,
            _tasks: tasks,
        }
    }

    /// Whether this node leads: writes statuses, gives out addresses.
    pub fn leads(&self) -> bool {
        *self.leads.borrow()
    }

    /// Waits until that changes. May be dropped and called again.
    pub async fn leads_changed(&mut self) {
        if self.leads.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Registers what it counts.
    pub fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// Lets another node lead.
    pub async fn stop(&mut self) {
        self.leader.release().await;
    }
}
