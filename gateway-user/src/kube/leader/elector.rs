//! Who holds the Lease, by the rules of client-go. Pure: times are arguments.
//!
//! Clocks of different machines are never compared: a Lease is over when it has not changed for
//! its duration *as seen from here*. `now` is the time since any fixed moment of this process.

use std::time::Duration;

use k8s_openapi::{
    api::coordination::v1::LeaseSpec, apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp,
};

/// After so long without a renewal others may take it.
pub(super) const LEASE: Duration = Duration::from_secs(15);
/// A holder that could not renew it for so long gives up, well before others may take it.
pub(super) const RENEW_BY: Duration = Duration::from_secs(10);

/// One candidate.
#[derive(Debug)]
pub(super) struct Elector {
    me: String,
    /// The Lease as it was last, and when it was first seen like that.
    seen: Option<(LeaseSpec, Duration)>,
    /// Beginning of the last request that made us the holder, or kept us so.
    renewed: Option<Duration>,
}

impl Elector {
    pub(super) fn new(me: String) -> Self {
        Self {
            me,
            seen: None,
            renewed: None,
        }
    }

    /// What to write to a Lease that is like this at present; `None` while somebody else has it.
    pub(super) fn judge(
        &mut self,
        lease: &LeaseSpec,
        now: Duration,
        wall: Timestamp,
    ) -> Option<LeaseSpec> {
        let changed = self.seen.as_ref().is_none_or(|(seen, _)| seen != lease);
        if changed {
            self.seen = Some((lease.clone(), now));
        }
        let since = self.seen.as_ref().map_or(now, |(_, since)| *since);
        let holder = lease.holder_identity.as_deref().unwrap_or_default();
        let mine = holder == self.me;
        if !mine {
            self.renewed = None;
            if !holder.is_empty() && now < since + duration(lease) {
                return None;
            }
        }
        let transitions = lease.lease_transitions.unwrap_or_default();
        let wall = MicroTime(wall);
        Some(LeaseSpec {
            holder_identity: Some(self.me.clone()),
            lease_duration_seconds: i32::try_from(LEASE.as_secs()).ok(),
            acquire_time: lease
                .acquire_time
                .clone()
                .filter(|_| mine)
                .or(Some(wall.clone())),
            renew_time: Some(wall),
            lease_transitions: Some(transitions.saturating_add(i32::from(!mine))),
            ..lease.clone()
        })
    }

    /// Notes that the API server took what [`Elector::judge`] said. `began`: when it was asked to,
    /// so that others see the renewal later than we count from.
    pub(super) fn renewed(&mut self, began: Duration) {
        self.renewed = Some(began);
    }

    pub(super) fn leads(&self, now: Duration) -> bool {
        self.leads_until().is_some_and(|until| now < until)
    }

    /// When leading ends unless it is renewed.
    pub(super) fn leads_until(&self) -> Option<Duration> {
        self.renewed.map(|renewed| renewed + RENEW_BY)
    }

    /// What to write to a Lease of ours so that others need not wait; `None` if it is not ours.
    pub(super) fn release(&mut self, lease: &LeaseSpec, wall: Timestamp) -> Option<LeaseSpec> {
        self.renewed = None;
        let mine = lease.holder_identity.as_ref() == Some(&self.me);
        mine.then(|| LeaseSpec {
            holder_identity: Some(String::new()),
            // The API demands one above zero.
            lease_duration_seconds: Some(1),
            renew_time: Some(MicroTime(wall)),
            ..lease.clone()
        })
    }
}

fn duration(lease: &LeaseSpec) -> Duration {
    let given = lease
        .lease_duration_seconds
        .and_then(|s| u64::try_from(s).ok());
    given.map_or(LEASE, Duration::from_secs)
}

#[cfg(test)]
mod tests;
