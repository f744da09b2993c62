//! The same of TLS passthrough: its connections, and what is kept beside them.

use std::collections::HashSet;

use gateway_common::{
    abi::FlowKey,
    splice::{
        COOKIE, HalfOpen, Splice,
        state::{LOCAL, SPLICED},
    },
};
use serde::Serialize;

use super::{Fate, Standing, Sweep};
use crate::l4::{drain::Name, flows::State};

/// What the tables of TLS passthrough hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SpliceGauges {
    /// Connections that no backend was asked for yet.
    pub hello: u64,
    /// A backend was asked.
    pub connecting: u64,
    /// A backend gets the hello.
    pub replaying: u64,
    /// The ends talk with each other; one may have said that it sends no more.
    pub open: u64,
    /// Both ends closed, or one reset.
    pub closing: u64,
    /// No backend took it; the client may not know yet.
    pub refused: u64,
    /// Their backends left, and they did not end in time; an end may not know yet.
    pub drained: u64,
    /// Of those that are open: their backends get no new ones.
    pub draining: u64,
    /// Hellos that are kept.
    pub hellos: u64,
    /// Clients whose SYN was answered without time stamps.
    pub half_open: u64,
}

/// Entries that seem to belong to no connection. The programs write one entry before the other that
/// leads to it, so that one look is not enough.
#[derive(Clone, Debug, Default)]
pub struct Suspects {
    before: HashSet<FlowKey>,
    now: HashSet<FlowKey>,
}

impl Sweep {
    pub fn judge_splice(&self, splice: &Splice) -> Fate {
        if !self.is_ahead(splice.seen()) && splice.expired(self.clock.now, self.clock.hz) {
            return Fate::Expired;
        }
        // The node's own stack stays.
        if splice.service == LOCAL {
            return Fate::Keep(Standing::Serving);
        }
        let standing = self.backends.get(&Name::of_splice(splice));
        match standing.copied().unwrap_or(self.strangers) {
            // All others end in a moment, by themselves.
            Standing::Over if splice.phase == SPLICED && !splice.closing() => Fate::Drained,
            standing => Fate::Keep(standing),
        }
    }

    /// Its client cannot prove itself any more.
    pub fn is_outdated(&self, half_open: &HalfOpen) -> bool {
        let age = self.clock.now.wrapping_sub(half_open.since);
        !self.is_ahead(half_open.since) && age > COOKIE.wrapping_mul(self.clock.hz)
    }
}

/// A hello without such a connection is nobody's.
pub fn has_hello(splice: Option<&Splice>) -> bool {
    splice.is_some_and(Splice::has_hello)
}

impl SpliceGauges {
    /// Counts a connection that is kept.
    pub fn add(&mut self, splice: &Splice, standing: Standing) {
        let gauge = match State::of_splice(splice) {
            State::Hello => &mut self.hello,
            State::Connecting => &mut self.connecting,
            State::Replaying => &mut self.replaying,
            State::New | State::Open | State::HalfClosed => {
                self.draining += u64::from(standing != Standing::Serving);
                &mut self.open
            }
            State::Closed | State::Reset => &mut self.closing,
            State::Refused => &mut self.refused,
            State::Drained => &mut self.drained,
        };
        *gauge += 1;
    }
}

impl Suspects {
    /// Notes one; whether the look before this one noted it as well.
    pub fn again(&mut self, key: FlowKey) -> bool {
        self.now.insert(key);
        self.before.contains(&key)
    }

    /// The next look begins.
    pub fn turn(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }
}

#[cfg(test)]
mod tests;
