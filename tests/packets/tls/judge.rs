//! One interface to both judges, and what they keep of connections.

use gateway_common::{
    abi::{Flow, FlowKey, Frontend, FrontendKey, TlsSecret},
    splice::{HalfOpen, Outcome, Splice, state::SPLICED},
};

use super::fixture::Passthrough;
use crate::path::{Action, HZ, Hook};

/// What came of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// `None`: the programs of TLS passthrough did not get it.
    pub(crate) outcome: Option<Outcome>,
    /// What the program returned, where there is one.
    pub(crate) action: Option<Action>,
}

/// Something that a row finds in the maps.
#[derive(Clone, Copy)]
pub(crate) enum Entry {
    Splice(FlowKey, Splice),
    /// Of a backend's packets, and the client's.
    Tie(FlowKey, FlowKey),
    HalfOpen(FlowKey, HalfOpen),
    Hello(FlowKey),
    Flow(FlowKey, Flow),
    Secret(TlsSecret),
    /// A table took no entry, so many seconds ago.
    FullSince(u32),
    /// A backend of the listener had no time stamps, so many seconds ago.
    NoStamps(FrontendKey, u32),
    Listener(FrontendKey, Option<Frontend>),
    /// The node's stack has this connection: in the kernel it must be so.
    Socket(FlowKey),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Splices,
    Ties,
    Hellos,
    HalfOpen,
}

/// What is kept of connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) splices: Vec<(FlowKey, Splice)>,
    pub(crate) ties: Vec<(FlowKey, FlowKey)>,
    /// With the bytes that are there.
    pub(crate) hellos: Vec<(FlowKey, u32)>,
    pub(crate) half_open: Vec<(FlowKey, HalfOpen)>,
}

pub(crate) trait Judge {
    fn name(&self) -> &'static str;
    /// Runs one frame through the program on the link and the one behind it; it is rewritten in place.
    fn run(&mut self, hook: Hook, frame: &mut Vec<u8>) -> Ran;
    /// Forgets all connections.
    fn reset(&mut self, all: &Passthrough);
    fn put(&mut self, entry: &Entry);
    fn remove(&mut self, table: Table, key: &FlowKey);
    fn kept(&self) -> Kept;

    /// Lets time pass for everything that is kept.
    fn age(&mut self, milliseconds: u32) {
        let jiffies = HZ / 1000 * milliseconds;
        let kept = self.kept();
        for (key, mut splice) in kept.splices {
            splice.last_seen = splice.last_seen.wrapping_sub(jiffies);
            splice.sent = splice.sent.wrapping_sub(jiffies);
            self.put(&Entry::Splice(key, splice));
        }
        for (key, mut half_open) in kept.half_open {
            half_open.since = half_open.since.wrapping_sub(jiffies);
            self.put(&Entry::HalfOpen(key, half_open));
        }
    }

    /// Drains the connections whose ends talk with each other, as user space does.
    fn drain(&mut self) {
        for (key, mut splice) in self.kept().splices {
            if splice.phase == SPLICED {
                splice.drain(splice.last_seen);
                self.put(&Entry::Splice(key, splice));
            }
        }
    }
}

impl Kept {
    /// Sorted, and without times: clocks differ.
    pub(crate) fn timeless(mut self) -> Self {
        for (_, splice) in &mut self.splices {
            (splice.since, splice.last_seen, splice.sent) = (0, 0, 0);
        }
        for (_, half_open) in &mut self.half_open {
            half_open.since = 0;
        }
        self.splices.sort_by_key(|(key, _)| *key);
        self.ties.sort();
        self.hellos.sort();
        self.half_open.sort_by_key(|(key, _)| *key);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.splices.is_empty() && self.ties.is_empty() && self.hellos.is_empty()
    }
}
