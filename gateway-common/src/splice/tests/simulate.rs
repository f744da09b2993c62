//! Whole connections, simulated: a client, the gateway, backends, and between them a network that
//! loses, doubles, delays and reorders packets. Everything follows from a seed: `SEED=N` repeats one
//! run, `RUNS=N` makes so many.

mod ends;
mod plan;
mod servers;
mod way;

use std::{
    collections::BTreeMap,
    env,
    time::{SystemTime, UNIX_EPOCH},
};

use self::{
    plan::{Goal, Plan},
    servers::Server,
};
use super::{
    peer::{Peer, State},
    wire::Segment,
    world::World,
};
use crate::splice::Scratch;

const RUNS: u64 = 10_000;
/// A run that is not over by then, in milliseconds and packets, never ends.
const LONG: u64 = 2_000_000;
const PACKETS: u64 = 100_000;

pub(super) struct Rng(u64);

impl Rng {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn word(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.word() as usize % bound
    }

    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// What runs have seen, summed up.
#[derive(Debug, Default)]
struct Seen {
    packets: u64,
    /// Ends of runs.
    through: u64,
    local: u64,
    refused: u64,
    aborted: u64,
    /// Second connections from the same port.
    again: u64,
    /// Connections that the network killed: all SYNs for all endpoints were lost.
    unlucky: u64,
    /// Of those, strict ones after it was learned that a backend has no time stamps.
    learned: u64,
    /// Things that must have come up.
    selective: u64,
    probes: u64,
    outcomes: BTreeMap<String, u64>,
}

#[test]
fn connections_come_through_whatever_the_network_does() {
    let number = |name: &str| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seed = number("SEED");
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let first = seed.unwrap_or_else(|| now.map_or(1, |now| now.as_secs()));
    let runs = match seed {
        Some(_) => 1,
        None => number("RUNS").unwrap_or(RUNS),
    };
    let mut seen = Seen::default();
    for seed in first..first + runs {
        let mut simulation = Simulation::new(seed, &mut seen);
        simulation.run();
        simulation.judge();
        if simulation.begin_again() {
            simulation.run();
            simulation.judge();
        }
        simulation.forget();
    }
    println!("{runs} runs from SEED={first}: {seen:#?}");
    if runs < 5_000 {
        return;
    }
    let ends = [seen.through, seen.local, seen.refused, seen.aborted];
    assert!(ends.iter().all(|end| *end > runs / 50), "{seen:?}");
    assert!(
        seen.unlucky < runs / 50 && seen.again > runs / 5,
        "{seen:?}"
    );
    assert!(seen.learned > runs / 500, "{seen:?}");
    assert!(seen.selective > runs && seen.probes > runs / 50, "{seen:?}");
    for outcome in plan::MUST_COME_UP {
        assert!(
            seen.outcomes.contains_key(*outcome),
            "never {outcome}: {seen:?}"
        );
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the gateway, from the client.
    Front,
    /// At the gateway, from a backend or the node's stack.
    Back,
    Client,
    Backend,
}

struct Simulation<'a> {
    context: String,
    rng: Rng,
    plan: Plan,
    seen: &'a mut Seen,
    now: u64,
    number: u64,
    queue: BTreeMap<(u64, u64), (Place, Vec<u8>)>,
    world: World,
    scratch: Scratch,
    client: Peer,
    servers: Vec<Server>,
    /// The gateway has given the connection up.
    given_up: bool,
    aborted: bool,
    swept: u64,
}

impl<'a> Simulation<'a> {
    fn new(seed: u64, seen: &'a mut Seen) -> Self {
        let mut rng = Rng::new(seed);
        let mut plan = Plan::new(&mut rng);
        let world = plan.world(&mut rng);
        let now = world.now;
        plan.started = now;
        let ends = (plan.client, plan.gateway);
        let numbers = (plan.number(&mut rng), rng.word());
        let mut client = Peer::client(plan.config.clone(), ends, numbers, now);
        client.cuts = plan.cuts.clone();
        client.say(&plan.said[..plan.at_once], now);
        let servers = plan
            .servers
            .iter()
            .map(|server| Server::new(*server))
            .collect();
        Self {
            context: format!("SEED={seed}, {plan:?}"),
            rng,
            plan,
            seen,
            now,
            number: 0,
            queue: BTreeMap::new(),
            world,
            scratch: Scratch::default(),
            client,
            servers,
            given_up: false,
            aborted: false,
            swept: now,
        }
    }

    fn run(&mut self) {
        let started = self.now;
        for _ in 0..PACKETS {
            self.flush();
            if self.is_over() {
                return;
            }
            let packet = self.queue.first_key_value().map(|(key, _)| key.0);
            let peers = self.peers().filter_map(|peer| peer.wakes()).min();
            let Some(next) = packet.into_iter().chain(peers).min() else {
                panic!("{}: nothing happens any more", self.context);
            };
            self.now = self.now.max(next);
            self.world.now = self.now;
            if self.now > started + LONG {
                break;
            }
            if self.now >= self.swept + 1000 {
                self.swept = self.now;
                self.world.collect();
            }
            if packet.is_some_and(|packet| packet <= next) {
                if let Some((_, (place, frame))) = self.queue.pop_first() {
                    self.seen.packets += 1;
                    self.arrive(place, frame);
                }
            } else {
                let now = self.now;
                self.peers().for_each(|peer| peer.wake(now));
            }
            self.apply();
        }
        let state = self.state();
        panic!("{}: no end: {state}", self.context);
    }

    fn peers(&mut self) -> impl Iterator<Item = &mut Peer> {
        let servers = self
            .servers
            .iter_mut()
            .filter_map(|server| server.peer.as_mut());
        core::iter::once(&mut self.client).chain(servers)
    }

    fn state(&mut self) -> String {
        let mut state = format!("{:?} ", self.world.splices);
        for peer in self.peers() {
            state += &format!("{} {:?} {}; ", peer.name, peer.state, peer.is_done());
        }
        state
    }

    /// What peers have sent goes on its way.
    fn flush(&mut self) {
        let front = std::mem::take(&mut self.client.sent);
        for segment in front {
            let place = match segment.destination == self.plan.gateway {
                true => Place::Front,
                false => Place::Backend,
            };
            self.carry(place, segment.frame());
        }
        let mut back: Vec<Segment> = Vec::new();
        for server in &mut self.servers {
            back.append(&mut server.sent);
            if let Some(peer) = &mut server.peer {
                back.append(&mut peer.sent);
            }
        }
        for segment in back {
            match segment.source == self.plan.gateway {
                // Within the node nothing is lost, and it passes the gateway at once.
                true => self.arrive(Place::Back, segment.frame()),
                false => self.carry(Place::Back, segment.frame()),
            }
        }
    }

    /// Over the network.
    fn carry(&mut self, place: Place, frame: Vec<u8>) {
        if self.rng.percent(self.plan.network.lost) {
            return;
        }
        if self.rng.percent(self.plan.network.doubled) {
            self.queue(place, frame.clone());
        }
        self.queue(place, frame);
    }

    fn queue(&mut self, place: Place, frame: Vec<u8>) {
        let delay = match self.plan.network.jitter {
            0 => 5,
            jitter => 1 + self.rng.below(jitter) as u64,
        };
        self.number += 1;
        self.queue
            .insert((self.now + delay, self.number), (place, frame));
    }

    /// What the applications do.
    fn apply(&mut self) {
        let (plan, now, rng) = (&self.plan, self.now, &mut self.rng);
        let hello = plan.at_once;
        let client = &mut self.client;
        if client.is_open() {
            let waits = plan.said.len() > hello && client.says() == hello;
            if waits && (!client.heard.is_empty() || plan.talks_at_once) {
                client.say(&plan.said[hello..], now);
            }
            let said = client.says() == plan.said.len();
            if !client.ends && said && (!plan.client_waits || client.has_heard_all()) {
                client.end(now);
            }
        }
        let others = self
            .servers
            .iter_mut()
            .filter_map(|server| server.peer.as_mut());
        for peer in others.filter(|peer| peer.is_open()) {
            let told = peer.says();
            if told < plan.replied.len() && peer.heard.len() >= plan.hello {
                peer.say(&plan.replied[told..], now);
            } else if told < plan.first {
                peer.say(&plan.replied[told..plan.first], now);
            }
            let said = peer.says() == plan.replied.len();
            if !peer.ends && said && (!plan.server_waits || peer.has_heard_all()) {
                peer.end(now);
            }
            if plan.pauses && peer.pause.is_none() && rng.percent(5) {
                peer.pause = Some(now + 50 + rng.below(1000) as u64);
            }
        }
        if plan.pauses && client.is_open() && client.pause.is_none() && rng.percent(5) {
            client.pause = Some(now + 50 + rng.below(1000) as u64);
        }
        let due = |at: &u64| now >= plan.started + *at;
        match plan.abort {
            Some((at, by_client)) if !self.aborted && due(&at) => {
                self.aborted = true;
                match by_client {
                    true => self.client.abort(),
                    false => self.peers().skip(1).for_each(Peer::abort),
                }
            }
            _ => {}
        }
        if self
            .plan
            .crash
            .take_if(|at| now >= self.plan.started + *at)
            .is_some()
        {
            self.crash();
        }
    }
}

/// However a run fails, its seed is told.
impl Drop for Simulation<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("failed: {}", self.context);
        }
    }
}
