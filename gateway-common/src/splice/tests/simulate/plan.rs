//! What a seed stands for.

use std::net::SocketAddr;

use super::{
    super::{hello::hello, peer::Config, steps::address, world::World},
    Rng,
    servers::{ServerPlan, server, tempers},
};
use crate::splice::{Choice, Endpoint, Listener};

/// What simulations are there for.
pub(super) const MUST_COME_UP: &[&str] = &[
    "Accepted",
    "NoCookie",
    "Proved",
    "Acknowledged",
    "Unproved",
    "Local",
    "Collected",
    "Doubted",
    "Repeated",
    "GivenUp",
    "GivenUpToBackend",
    "Refused",
    "Failed",
    "Asked",
    "AskedProxy",
    "Replayed",
    "Idle",
    "Orphan",
    "ToBackend",
    "ToClient",
];

/// What is to come of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Through,
    Local,
    Refused,
}

impl Goal {
    fn new(rng: &mut Rng) -> Self {
        match rng.below(10) {
            0 => Self::Refused,
            1 | 2 => Self::Local,
            _ => Self::Through,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    /// Percent of packets.
    pub(super) lost: usize,
    pub(super) doubled: usize,
    /// Most milliseconds on the way; 0: always the same.
    pub(super) jitter: usize,
    /// Room at the end of frames.
    pub(super) tail: usize,
}

impl Network {
    fn new(rng: &mut Rng) -> Self {
        Self {
            lost: rng.pick(&[0, 2, 5, 10]),
            doubled: rng.pick(&[0, 0, 5]),
            jitter: rng.pick(&[0, 10, 60]),
            tail: rng.pick(&[0, 4096]),
        }
    }
}

pub(super) struct Plan {
    pub(super) goal: Goal,
    pub(super) client: SocketAddr,
    pub(super) gateway: SocketAddr,
    pub(super) config: Config,
    pub(super) servers: Vec<ServerPlan>,
    name: Choice,
    listener: Listener,
    node: Option<SocketAddr>,
    /// All that the client says; how much of it is the hello, and how much it says at once.
    pub(super) said: Vec<u8>,
    pub(super) hello: usize,
    pub(super) at_once: usize,
    pub(super) talks_at_once: bool,
    pub(super) cuts: Vec<u32>,
    /// All that a server says, and how much before it is asked.
    pub(super) replied: Vec<u8>,
    pub(super) first: usize,
    /// Who ends only after the other.
    pub(super) client_waits: bool,
    pub(super) server_waits: bool,
    /// Applications do not always read.
    pub(super) pauses: bool,
    /// The client takes no segment without the time stamps that both offered, unless it is the first one
    /// with a backend that has none.
    pub(super) strict: bool,
    /// Milliseconds, and whether it is the client that gives up.
    pub(super) abort: Option<(u64, bool)>,
    pub(super) started: u64,
    pub(super) network: Network,
    /// Numbers begin near the end of their circle.
    wraps: bool,
    /// A second connection follows from the same port.
    pub(super) again: bool,
    /// When the client forgets everything and begins anew, in milliseconds.
    pub(super) crash: Option<u64>,
    half_open: usize,
    /// Nothing is spliced: the node's stack does it all.
    pub(super) bypassed: bool,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("goal", &self.goal)
            .field("config", &self.config)
            .field("strict", &self.strict)
            .field("servers", &self.servers)
            .field("listener", &self.listener)
            .field("hello", &(self.hello, self.at_once, self.said.len()))
            .field("replied", &(self.first, self.replied.len()))
            .field("waits", &(self.client_waits, self.server_waits))
            .field("abort", &self.abort)
            .field("network", &self.network)
            .finish_non_exhaustive()
    }
}

impl Plan {
    pub(super) fn new(rng: &mut Rng) -> Self {
        let family = rng.pick(&[4, 6]);
        let address = |host, port| address(family, host, port);
        let goal = Goal::new(rng);
        let listener = Listener {
            mss: rng.pick(&[536, 1220, 1360]),
        };
        let name = match goal {
            Goal::Local => Choice::Local,
            Goal::Refused => rng.pick(&[Choice::Refuse, Choice::Local, Choice::Service(7)]),
            Goal::Through => Choice::Service(7),
        };
        let gateway = address(2, 443);
        let ends = (10..).map(|host| match name {
            Choice::Local => gateway,
            _ => address(host, 8443),
        });
        let servers: Vec<_> = ends
            .zip(tempers(goal, name, rng))
            .map(|(end, temper)| server(temper, end, &listener, rng))
            .collect();
        let config = client(rng);
        let mut plan = Self {
            goal,
            client: address(1, 40_000),
            gateway,
            config,
            servers,
            name,
            listener,
            node: rng.percent(20).then(|| address(3, 30_000)),
            said: Vec::new(),
            hello: 0,
            at_once: 0,
            talks_at_once: rng.percent(30),
            cuts: Vec::new(),
            replied: (0..rng.pick(&[0, 100, 3_000, 40_000]))
                .map(|n| (n % 251) as u8)
                .collect(),
            first: 0,
            client_waits: false,
            server_waits: false,
            pauses: rng.percent(20),
            strict: false,
            abort: rng
                .percent(15)
                .then(|| (rng.below(1_500) as u64, rng.percent(60))),
            started: 0,
            network: Network::new(rng),
            wraps: rng.percent(50),
            again: rng.percent(30),
            crash: None,
            half_open: rng.pick(&[0, 10]),
            bypassed: goal == Goal::Local && rng.percent(10),
        };
        if plan.abort.is_none() && rng.percent(10) {
            plan.crash = Some(rng.below(3_000) as u64);
        }
        plan.talk(rng);
        plan.demand(rng);
        plan
    }

    /// How the client takes what it was promised.
    fn demand(&mut self, rng: &mut Rng) {
        self.strict = rng.percent(30);
        self.config.strict = self.strict && !self.lacks_stamps();
    }

    /// The client may ask a backend for time stamps that it has not.
    pub(super) fn lacks_stamps(&self) -> bool {
        self.config.stamps && self.servers.iter().any(|server| !server.stamps)
    }

    /// What is said.
    fn talk(&mut self, rng: &mut Rng) {
        let length = rng.pick(&[200, 600, 1_800, 3_500, 8_000, 16_000]);
        let record = rng.pick(&[16_000, 16_000, 1_000, 100]);
        self.said = hello(Some("a.example"), length, record);
        self.hello = self.said.len();
        let early = rng.pick(&[0, 0, 500, 4_000]);
        self.at_once = self.hello + early;
        let rest = rng.pick(&[0, 100, 5_000, 50_000]);
        self.said.extend((0..early + rest).map(|n| (n % 253) as u8));
        let cuts = rng.pick(&[0, 0, 3, 20]);
        self.cuts = (0..cuts).map(|_| rng.below(self.hello) as u32).collect();
        if rng.percent(10) {
            self.first = self.replied.len().min(500);
        }
        // Who waits for a word must get one.
        self.talks_at_once |= self.replied.is_empty();
        match rng.below(3) {
            0 => self.client_waits = true,
            1 => self.server_waits = true,
            _ => {}
        }
    }

    pub(super) fn number(&self, rng: &mut Rng) -> u32 {
        match self.wraps {
            true => u32::MAX - rng.below(30_000) as u32,
            false => rng.word(),
        }
    }

    pub(super) fn world(&self, rng: &mut Rng) -> World {
        let mut world = World::new(self.gateway, self.listener);
        world.names.insert("a.example".into(), self.name);
        if self.wraps {
            world.epoch = 0_u32.wrapping_sub(1_000_000 + rng.below(3_000) as u32);
        }
        world.most[0] = self.half_open;
        if self.bypassed {
            world.secret = None;
        }
        let endpoint = |(number, server): (u32, &ServerPlan)| Endpoint {
            address: server.address.ip().into(),
            port: server.address.port(),
            backend: number,
            mss: server.mss,
            source: self.node.unwrap_or(self.client).ip().into(),
            source_port: self.node.map_or(0, |node| node.port()),
        };
        world.endpoints = (1..).zip(&self.servers).map(endpoint).collect();
        world
    }
}

fn client(rng: &mut Rng) -> Config {
    let stamps = rng.percent(70);
    let scales = [0, 3, 7, 10];
    Config {
        stamps,
        sack: rng.percent(70),
        scale: rng.percent(80).then(|| rng.pick(&scales)),
        mss: rng.pick(&[1220, 1400, 1460, 8960]),
        buffer: rng.pick(&[4_000, 20_000, 65_000, 200_000]),
        shift: rng.pick(&[0, 1, 2, 2, 2, 3]),
        step: 1,
        first: 0,
        strict: false,
        forgives: false,
    }
}
