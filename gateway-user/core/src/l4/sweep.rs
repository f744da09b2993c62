//! Which entries of the flow table have outlived their connection, and how many live.

pub mod splices;

use std::collections::BTreeMap;

use gateway_common::{
    abi::{FORWARD, Flow, FlowKey},
    flow::forgettable,
};
use serde::Serialize;

use super::{drain::Name, trace::Clock};

/// What one pass over the flow table judges by.
#[derive(Clone, Debug)]
pub struct Sweep {
    pub clock: Clock,
    pub backends: BTreeMap<Name, Standing>,
    /// Of a backend that is none of them: an earlier daemon's.
    pub strangers: Standing,
}

/// What a backend is to its flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Serving,
    /// It gets no new flows, and answers the old ones.
    Leaving,
    /// It is not there any more, as far as anybody says.
    Gone,
    /// Its flows had their time to end.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// With what its backend is.
    Keep(Standing),
    /// Idle beyond its time, or closed.
    Expired,
    /// A UDP flow to a backend that is gone: without a close of its own it would never move on
    /// while the client keeps sending. TCP connections stay until they end (drain).
    Orphaned,
    /// It did not end before its backend's deadline.
    Drained,
}

/// Connections in the table; each is counted once, by its forward entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gauges {
    pub tcp: u64,
    /// Of `tcp`: closed, waiting for the last segments.
    pub tcp_closing: u64,
    /// Of `tcp`: nobody has said anything on it yet.
    pub tcp_fresh: u64,
    pub udp: u64,
    /// Of `udp`: one packet, or unanswered ones.
    pub udp_fresh: u64,
    /// Of all that are not closed: their backends get no new ones.
    pub draining: u64,
}

impl Sweep {
    pub fn judge(&self, key: &FlowKey, flow: &Flow) -> Fate {
        let Clock { now, hz } = self.clock;
        if !self.is_ahead(flow.last_seen) && forgettable(key, flow, now, hz) {
            return Fate::Expired;
        }
        let standing = self.backends.get(&Name::of(key, flow));
        match standing.copied().unwrap_or(self.strangers) {
            // One that has closed is over in a moment, by itself.
            Standing::Over if !flow.closing() => Fate::Drained,
            Standing::Gone if !key.is_tcp() => Fate::Orphaned,
            standing => Fate::Keep(standing),
        }
    }

    /// Since `now` was read: wrapping arithmetic would take it for ancient.
    fn is_ahead(&self, time: u32) -> bool {
        time.wrapping_sub(self.clock.now) < u32::MAX / 2
    }
}

impl Gauges {
    /// Counts an entry that is kept.
    pub fn add(&mut self, key: &FlowKey, flow: &Flow, standing: Standing) {
        if key.direction != FORWARD {
            return;
        }
        let fresh = u64::from(!flow.is_established() && !flow.closing());
        if key.is_tcp() {
            self.tcp += 1;
            self.tcp_closing += u64::from(flow.closing());
            self.tcp_fresh += fresh;
        } else {
            self.udp += 1;
            self.udp_fresh += fresh;
        }
        self.draining += u64::from(standing != Standing::Serving && !flow.closing());
    }
}

#[cfg(test)]
mod tests;
