//! Backends of every temper.

use std::net::SocketAddr;

use super::{
    super::{
        peer::{Config, Peer, State, refusal},
        wire::{ACK, SYN, Segment},
    },
    Rng,
    plan::Goal,
};
use crate::splice::{Choice, Listener, SCALE, WINDOW};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temper {
    Works,
    Refuses,
    Silent,
    /// As soon as it hears of the hello.
    Resets,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ServerPlan {
    pub(super) temper: Temper,
    pub(super) address: SocketAddr,
    pub(super) stamps: bool,
    sack: bool,
    scale: Option<u8>,
    pub(super) mss: u16,
    buffer: u32,
    shift: usize,
    step: u32,
}

impl ServerPlan {
    pub(super) fn peer(&self) -> Config {
        Config {
            stamps: self.stamps,
            sack: self.sack,
            scale: self.scale,
            mss: self.mss,
            buffer: self.buffer,
            shift: self.shift,
            step: self.step,
            first: u32::from(WINDOW),
            strict: false,
            forgives: false,
        }
    }
}

pub(super) struct Server {
    pub(super) config: ServerPlan,
    pub(super) peer: Option<Peer>,
    /// Without a connection.
    pub(super) sent: Vec<Segment>,
    pub(super) forgives: bool,
}

impl Server {
    /// It has a socket for a client.
    pub(super) fn has_socket(&self) -> bool {
        self.peer
            .as_ref()
            .is_some_and(|peer| peer.state != State::Reset)
    }

    pub(super) const fn new(config: ServerPlan) -> Self {
        Self {
            config,
            peer: None,
            sent: Vec::new(),
            forgives: false,
        }
    }
}

/// A server of some temper gets a segment.
impl Server {
    pub(super) fn input(&mut self, segment: &Segment, numbers: (u32, u32), now: u64) {
        match self.config.temper {
            Temper::Silent => return,
            Temper::Refuses => return self.sent.extend(refusal(segment)),
            Temper::Resets if !segment.data.is_empty() => {
                self.peer = None;
                return self.sent.extend(refusal(segment));
            }
            _ => {}
        }
        let asks = segment.has(SYN) && !segment.has(ACK);
        match &mut self.peer {
            Some(peer) if peer.state != State::Reset && !(asks && peer.is_done()) => {
                peer.input(segment, now);
            }
            _ if asks => {
                let mut config = self.config.peer();
                config.forgives = self.forgives;
                self.peer = Some(Peer::server("server", config, segment, numbers, now));
            }
            _ => self.sent.extend(refusal(segment)),
        }
    }
}

pub(super) fn tempers(goal: Goal, name: Choice, rng: &mut Rng) -> Vec<Temper> {
    let bad = [Temper::Refuses, Temper::Silent, Temper::Resets];
    match (name, goal) {
        // The node is the only one.
        (Choice::Local, Goal::Local) => return vec![Temper::Works],
        (Choice::Local, _) => return vec![rng.pick(&bad)],
        _ => {}
    }
    let count = if rng.percent(30) { 1 + rng.below(2) } else { 0 };
    let mut tempers: Vec<_> = (0..count).map(|_| rng.pick(&bad)).collect();
    match goal {
        Goal::Refused if tempers.is_empty() => tempers.push(rng.pick(&bad)),
        Goal::Refused => {}
        // Twice, because a network may lose all SYNs for one.
        _ => tempers.extend([Temper::Works; 2]),
    }
    tempers
}

pub(super) fn server(
    temper: Temper,
    address: SocketAddr,
    listener: &Listener,
    rng: &mut Rng,
) -> ServerPlan {
    ServerPlan {
        temper,
        address,
        stamps: rng.percent(85),
        sack: rng.percent(80),
        scale: rng.percent(80).then(|| rng.pick(&[0, 2, 7, 9, 14])),
        mss: listener.mss + rng.pick(&[0, 40, 100]),
        buffer: rng.pick(&[4_000, 20_000, 65_000, 200_000]),
        shift: rng.pick(&[0, 1, 2, 2, 2, 3]),
        step: 1 << SCALE,
    }
}
