//! Which entries of the flow table have outlived their connection, and how many live.

use std::collections::BTreeSet;

use gateway_common::{
    abi::{FORWARD, Flow, FlowKey},
    flow::expired,
};
use serde::Serialize;

/// What one pass over the flow table judges by.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// Low 32 bits of the kernel's jiffies.
    pub now: u32,
    /// Jiffies in a second.
    pub hz: u32,
    /// Ids in force.
    pub backends: BTreeSet<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Keep,
    /// Idle beyond its time, or closed.
    Expired,
    /// A UDP flow to a backend that is gone: without a close of its own it would never move on
    /// while the client keeps sending. TCP connections stay until they end (drain).
    Orphaned,
}

/// Connections in the table; each is counted once, by its forward entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gauges {
    pub tcp: u64,
    /// Of `tcp`: closed, waiting for the last segments.
    pub tcp_closing: u64,
    pub udp: u64,
}

impl Sweep {
    pub fn judge(&self, key: &FlowKey, flow: &Flow) -> Fate {
        // Touched since `now` was read: wrapping arithmetic would take it for ancient.
        if flow.last_seen.wrapping_sub(self.now) < u32::MAX / 2 {
            return self.orphaned(key, flow);
        }
        match expired(key, flow, self.now, self.hz) {
            true => Fate::Expired,
            false => self.orphaned(key, flow),
        }
    }

    fn orphaned(&self, key: &FlowKey, flow: &Flow) -> Fate {
        match key.is_tcp() || self.backends.contains(&flow.backend) {
            true => Fate::Keep,
            false => Fate::Orphaned,
        }
    }
}

impl Gauges {
    /// Counts an entry that is kept.
    pub fn add(&mut self, key: &FlowKey, flow: &Flow) {
        if key.direction != FORWARD {
            return;
        }
        if key.is_tcp() {
            self.tcp += 1;
            self.tcp_closing += u64::from(flow.closing());
        } else {
            self.udp += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_common::abi::{REVERSE, TCP, UDP};

    use super::*;

    const NOW: u32 = 1_000_000;

    fn judge(protocol: u32, flow: Flow) -> Fate {
        let sweep = Sweep {
            now: NOW,
            hz: 100,
            backends: BTreeSet::from([7]),
        };
        let key = FlowKey {
            protocol: protocol as u16,
            ..FlowKey::default()
        };
        sweep.judge(&key, &flow)
    }

    fn flow(backend: u32, last_seen: u32) -> Flow {
        Flow {
            backend,
            last_seen,
            ..Flow::default()
        }
    }

    #[test]
    fn idle_flows_expire() {
        assert_eq!(judge(UDP, flow(7, NOW - 59 * 100)), Fate::Keep);
        assert_eq!(judge(UDP, flow(7, NOW - 61 * 100)), Fate::Expired);
    }

    #[test]
    fn a_flow_touched_after_the_sweep_began_is_kept() {
        assert_eq!(judge(UDP, flow(7, NOW + 1)), Fate::Keep);
        assert_eq!(judge(TCP, flow(7, NOW)), Fate::Keep);
    }

    #[test]
    fn only_udp_leaves_a_removed_backend() {
        assert_eq!(judge(UDP, flow(8, NOW - 1)), Fate::Orphaned);
        assert_eq!(judge(UDP, flow(8, NOW + 1)), Fate::Orphaned);
        assert_eq!(judge(TCP, flow(8, NOW - 1)), Fate::Keep);
    }

    #[test]
    fn connections_are_counted_once() {
        let mut gauges = Gauges::default();
        let key = |protocol: u32, direction| FlowKey {
            protocol: protocol as u16,
            direction,
            ..FlowKey::default()
        };
        let closed = Flow {
            state: gateway_common::abi::RESET,
            ..Flow::default()
        };
        gauges.add(&key(TCP, FORWARD), &Flow::default());
        gauges.add(&key(TCP, REVERSE), &Flow::default());
        gauges.add(&key(TCP, FORWARD), &closed);
        gauges.add(&key(UDP, FORWARD), &Flow::default());
        assert_eq!(
            gauges,
            Gauges {
                tcp: 2,
                tcp_closing: 1,
                udp: 1
            }
        );
    }
}
