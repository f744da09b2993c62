//! What other stations of the network say about our addresses, as the daemon hears it.

use std::time::Instant;

use gateway_core::{
    announce::{self, Answerers},
    plan::Plan,
    status::Statuses,
};

use super::{daemon::Daemon, source::Source};
use crate::bpf::events::Claim;

/// What is known of others that claim our addresses.
#[derive(Debug)]
pub(super) struct Conflicts {
    known: announce::Conflicts,
    start: Instant,
}

impl Conflicts {
    pub(super) fn new() -> Self {
        Self {
            known: announce::Conflicts::default(),
            start: Instant::now(),
        }
    }

    /// Says in the statuses of the Gateways who else claims their addresses.
    pub(super) fn tell(&self, plan: &Plan, statuses: &mut Statuses) {
        statuses.address_conflicts(plan, self.known.iter());
    }

    /// Each address of ours with who claims it.
    pub(super) fn known(&self) -> &announce::Conflicts {
        &self.known
    }

    fn forget(&mut self, answerers: &Answerers) -> bool {
        let owned = announce::owned(answerers);
        self.known.forget(&owned, self.start.elapsed())
    }
}

impl Daemon {
    /// Somebody else claims one of our addresses: says that it is ours, and tells.
    pub(super) async fn claimed(&mut self, claim: Claim, source: &Source) {
        let Claim { address, mac } = claim;
        let path = &self.reconciler.path;
        let is_ours = path.kernel.uplinks().iter().any(|uplink| uplink.mac == mac);
        if is_ours {
            return;
        }
        path.announcer.defend(address);
        let now = self.conflicts.start.elapsed();
        if self.conflicts.known.note(address, mac, now) {
            tracing::warn!(
                "{mac} claims {address}, an address of this node: its traffic may go there"
            );
            self.reconcile(source).await;
        }
    }

    /// Forgets claims that were not repeated.
    pub(super) async fn forget_claims(&mut self, source: &Source) {
        if self.conflicts.forget(self.reconciler.answerers_in_force()) {
            self.reconcile(source).await;
        }
    }
}
