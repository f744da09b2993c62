//! What the daemon knows, for whoever tells the API server.

use std::sync::Arc;

use gateway_core::{
    infrastructure::{Infrastructure, MadeObjects},
    plan::Certificate,
    status::{LiveStatuses, NodeReport, Sign, Statuses},
};

/// The newest of each; cheap to copy. Goes over a [`tokio::sync::watch`] channel, so that the
/// data path never waits for a writer, and a writer skips what is outdated.
#[derive(Clone, Debug, Default)]
pub struct Newest {
    /// What is true in the data path, as of the last reconciliation; `None` before the first.
    pub statuses: Option<Arc<Statuses>>,
    /// What the API server has.
    pub live: Arc<LiveStatuses>,
    /// What stands for Gateways, as of the last reconciliation, and as the API server has it.
    pub infrastructure: Arc<Infrastructure>,
    pub made: Arc<MadeObjects>,
    /// In use, as of the last reconciliation.
    pub certificates: Arc<[Certificate]>,
    /// What there is to tell about objects that cannot be read.
    pub signs: Arc<[Sign]>,
}

/// What came of a reconciliation.
#[derive(Clone, Debug)]
pub struct News {
    /// For the API server: those of every node, where this one leads.
    pub statuses: Arc<Statuses>,
    pub infrastructure: Infrastructure,
    pub certificates: Arc<[Certificate]>,
    /// What this node has to say of itself.
    pub report: NodeReport,
}
