//! A small but real TCP: what it does not do is not needed, what it is told it checks.

mod receive;
mod send;

pub(super) use self::receive::refusal;
use std::{collections::BTreeMap, net::SocketAddr};

use super::wire::{ACK, FIN, RST, SYN, Segment};

/// Milliseconds.
const RTO: u64 = 200;
const RTO_MAX: u64 = 3_000;
/// Silence after which it asks whether the other end is there.
const KEEP_ALIVE: u64 = 7_000;

pub(super) const fn newer(one: u32, other: u32) -> bool {
    (one.wrapping_sub(other) as i32) > 0
}

#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) stamps: bool,
    pub(super) sack: bool,
    pub(super) scale: Option<u8>,
    pub(super) mss: u16,
    /// Bytes that it takes before its application reads.
    pub(super) buffer: u32,
    /// NOPs before options.
    pub(super) shift: usize,
    /// What the gateway may tell too much: one step of the windows that it has to say, and what it
    /// said before it knew this peer.
    pub(super) step: u32,
    pub(super) first: u32,
    /// Segments without the time stamps that both offered are dropped (RFC 7323, 3.2), as BSD does.
    pub(super) strict: bool,
    /// What cannot be is dropped, where a client has begun anew; else it is a fault.
    pub(super) forgives: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Asking,
    Asked,
    Open,
    /// Reset by the other end, or by itself.
    Reset,
}

pub(super) struct Peer {
    /// For messages.
    pub(super) name: String,
    pub(super) config: Config,
    pub(super) state: State,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// Initial number, the oldest that is not acknowledged, the next one, and the highest ever.
    initial: u32,
    una: u32,
    next: u32,
    most: u32,
    /// All bytes that it says, whether it ends behind them, and where it prefers to cut.
    out: Vec<u8>,
    pub(super) ends: bool,
    pub(super) cuts: Vec<u32>,
    /// Of the other end: largest segment, shift, window, selective acknowledgments.
    mss: u16,
    shift: u8,
    window: u32,
    sacked: Vec<(u32, u32)>,
    duplicates: u32,
    /// Segments that may be under way.
    allowed: u32,
    /// What it has heard.
    pub(super) heard: Vec<u8>,
    theirs: u32,
    awaited: u32,
    apart: BTreeMap<u32, Vec<u8>>,
    their_end: Option<u32>,
    /// Right edge that it has told, and bytes that the application has not read.
    edge: u32,
    unread: u32,
    pub(super) pause: Option<u64>,
    /// Options that both have.
    stamps: bool,
    sack: bool,
    scaled: bool,
    recent: u32,
    clock: u32,
    stamped: Option<(u32, u32)>,
    /// When it sends again, and after how long.
    deadline: Option<u64>,
    wait: u64,
    last: u64,
    pub(super) sent: Vec<Segment>,
    /// Of a connection before.
    pub(super) is_old: bool,
    /// What it has seen that TCP has words for: counted so that a simulation shows what it covers.
    pub(super) selective: u32,
    pub(super) probes: u32,
}

impl Peer {
    fn new(
        name: &str,
        config: Config,
        ends: (SocketAddr, SocketAddr),
        initial: u32,
        clock: u32,
    ) -> Self {
        Self {
            name: name.into(),
            state: State::Asking,
            local: ends.0,
            remote: ends.1,
            initial,
            una: initial,
            next: initial,
            most: initial,
            out: Vec::new(),
            ends: false,
            cuts: Vec::new(),
            mss: 536,
            shift: 0,
            window: 0,
            sacked: Vec::new(),
            duplicates: 0,
            allowed: 10,
            heard: Vec::new(),
            theirs: 0,
            awaited: 0,
            apart: BTreeMap::new(),
            their_end: None,
            edge: 0,
            unread: 0,
            pause: None,
            stamps: config.stamps,
            sack: config.sack,
            scaled: config.scale.is_some(),
            recent: 0,
            clock,
            stamped: None,
            deadline: None,
            wait: RTO,
            last: 0,
            sent: Vec::new(),
            is_old: false,
            selective: 0,
            probes: 0,
            config,
        }
    }

    /// A client that asks now.
    pub(super) fn client(
        config: Config,
        ends: (SocketAddr, SocketAddr),
        (initial, clock): (u32, u32),
        now: u64,
    ) -> Self {
        let mut peer = Self::new("client", config, ends, initial, clock);
        peer.output(now);
        peer
    }

    /// A server that was asked.
    pub(super) fn server(
        name: &str,
        config: Config,
        syn: &Segment,
        (initial, clock): (u32, u32),
        now: u64,
    ) -> Self {
        let ends = (syn.destination, syn.source);
        let mut peer = Self::new(name, config, ends, initial, clock);
        peer.state = State::Asked;
        peer.greet(syn);
        peer.window = u32::from(syn.window);
        peer.output(now);
        peer
    }

    /// Takes in the other end's SYN.
    fn greet(&mut self, syn: &Segment) {
        self.theirs = syn.sequence;
        self.awaited = syn.sequence.wrapping_add(1);
        self.edge = self.awaited;
        self.mss = syn.mss.unwrap_or(536);
        self.stamps &= syn.stamps.is_some();
        self.sack &= syn.sack;
        self.scaled &= syn.scale.is_some();
        self.shift = if self.scaled {
            syn.scale.unwrap_or(0)
        } else {
            0
        };
        self.recent = syn.stamps.map_or(0, |stamps| stamps.0);
    }

    pub(super) fn say(&mut self, bytes: &[u8], now: u64) {
        self.out.extend(bytes);
        self.output(now);
    }

    /// Bytes that it has been told to say.
    pub(super) const fn says(&self) -> usize {
        self.out.len()
    }

    /// Says no more than it has said.
    pub(super) fn end(&mut self, now: u64) {
        self.ends = true;
        self.output(now);
    }

    /// Gives up at once.
    pub(super) fn abort(&mut self) {
        if self.state == State::Open {
            let mut reset = Segment::new(self.local, self.remote, RST | ACK);
            reset.sequence = self.next;
            reset.acknowledged = self.awaited;
            self.sent.push(reset);
            self.state = State::Reset;
            self.deadline = None;
        }
    }

    /// A number far behind all that it has said.
    pub(super) fn beyond(&self) -> u32 {
        self.most.wrapping_add(1 << 20)
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Everything is said, acknowledged and heard, both ends.
    pub(super) fn is_done(&self) -> bool {
        self.is_open() && self.ends && self.una == self.end_number() && self.has_heard_all()
    }

    pub(super) fn has_heard_all(&self) -> bool {
        self.their_end.is_some_and(|end| newer(self.awaited, end))
    }

    /// The number behind its FIN.
    fn end_number(&self) -> u32 {
        let bytes = u32::try_from(self.out.len()).unwrap();
        self.initial.wrapping_add(1 + bytes + u32::from(self.ends))
    }

    /// When it wants to act by itself.
    pub(super) fn wakes(&self) -> Option<u64> {
        let alive = (self.is_open() && !self.is_done()).then_some(self.last + KEEP_ALIVE);
        [self.deadline, self.pause, alive]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn wake(&mut self, now: u64) {
        if self.pause.is_some_and(|pause| pause <= now) {
            self.pause = None;
            self.unread = 0;
            if self.is_open() && self.told() < u32::from(self.config.mss) {
                self.acknowledge(now);
            }
        }
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            self.wait = (self.wait * 2).min(RTO_MAX);
            self.next = self.una;
            self.allowed = 1;
            self.sacked.clear();
            self.probe(now);
            self.output(now);
        }
        if self.is_open() && now >= self.last + KEEP_ALIVE {
            self.last = now;
            let mut alive = self.segment(ACK, now);
            alive.sequence = self.una.wrapping_sub(1);
            self.sent.push(alive);
        }
    }
}
