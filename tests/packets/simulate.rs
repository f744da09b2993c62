//! The whole path, simulated: clients, a gateway and backends, and between them a network that
//! loses, doubles and reorders packets, while time passes and backends come and go. Everything
//! follows from a seed: `SEED=N` repeats one run.

mod peers;

use std::{
    collections::BTreeMap,
    env,
    time::{SystemTime, UNIX_EPOCH},
};

use gateway_common::abi::{Counter, Kind};
use gateway_tests::measured::measured;

use self::peers::{Client, Heard, Server};
use crate::{
    fixture::{self, BACKENDS, CLIENT, FAR, ONE, REMOTE, TWO},
    frames::{End, Family, Spec},
    host::Host,
    path::{Hook, Path as _},
    random::Rng,
    sums,
    wire::Parsed,
};

const RUNS: u64 = 10_000;
/// Percent of packets.
const LOST: usize = 10;
const DOUBLED: usize = 5;
/// Most milliseconds that a packet takes on one link.
const DELAY: usize = 40;
/// Milliseconds after which a client asks again.
const AGAIN: u64 = 200;
const CLIENTS: u16 = 6;
const CHANGES: u64 = 10;
/// Milliseconds in which the changes are made; afterwards the network is perfect.
const TROUBLE: u64 = 20_000;
/// A run that is not over after so many events never ends.
const EVENTS: u64 = 100_000;

#[test]
fn connections_outlive_a_bad_network_and_changing_backends() {
    let seed = env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let first: u64 = seed.unwrap_or_else(|| now.map_or(1, |now| now.as_secs()));
    let runs = if seed.is_some() { 1 } else { RUNS };
    let (mut packets, mut far) = (0, 0);
    for seed in first..first + runs {
        for family in [Family::V4, Family::V6] {
            let seen = Simulation::new(seed, family).run();
            packets += seen.packets;
            far += seen.far;
        }
    }
    measured(format_args!(
        "{runs} runs from SEED={first}: {packets} packets"
    ));
    // Each client of each run needs some; one run may have no far ones.
    assert!(packets > runs * u64::from(CLIENTS));
    assert!(runs == 1 || far > runs, "{far} replies of far backends");
}

/// What the gateway saw.
struct Seen {
    packets: u64,
    /// Replies of far backends.
    far: u64,
}

enum Event {
    AtGateway(Vec<u8>),
    /// Of a backend near the gateway.
    Leaving(Vec<u8>),
    AtClient(Vec<u8>),
    AtServer(usize, Vec<u8>),
    /// The client sends what it has no answer to.
    Send(usize),
    Change,
    /// A backend that left before is taken from the map.
    Remove(u32),
}

struct Simulation {
    /// For messages.
    context: String,
    rng: Rng,
    /// In milliseconds.
    now: u64,
    host: Host,
    queue: BTreeMap<(u64, u64), Event>,
    number: u64,
    clients: Vec<Client>,
    /// Backend n is the one before n.
    servers: Vec<Server>,
    /// Backends that get new flows.
    active: Vec<u32>,
    slots: [u32; 9],
}

impl Simulation {
    fn new(seed: u64, family: Family) -> Self {
        let mut config = fixture::config_of(family);
        for snat in &mut config.snat {
            snat.ports = 4_000;
        }
        let ends = BACKENDS.into_iter().chain([FAR]).map(|end| family.of(end));
        let mut simulation = Self {
            context: format!("SEED={seed}, {family:?}"),
            rng: Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            now: 0,
            host: Host::new(&config),
            queue: BTreeMap::new(),
            number: 0,
            clients: Vec::new(),
            servers: (1..).zip(ends).map(Server::new).collect(),
            active: vec![1, 2, 3],
            slots: [0; 9],
        };
        simulation.choose_slots();
        for number in 0..CLIENTS {
            let vip = simulation.rng.pick(&[ONE, TWO, TWO, REMOTE]);
            let end = (CLIENT.0, 40_000 + number);
            let is_tcp = simulation.rng.below(3) > 0;
            let [end, vip] = [end, vip].map(|end| family.of(end));
            let exchanges = 2 + simulation.rng.below(6) as u8;
            let client = Client::new(number as u8, end, vip, is_tcp, exchanges);
            simulation.clients.push(client);
            let at = simulation.rng.below(3_000) as u64;
            simulation.at(at, Event::Send(number.into()));
        }
        for _ in 0..CHANGES {
            let at = simulation.rng.below(TROUBLE as usize) as u64;
            simulation.at(at, Event::Change);
        }
        simulation
    }

    fn run(mut self) -> Seen {
        let (mut packets, mut events) = (0, 0);
        while let Some(((time, _), event)) = self.queue.pop_first() {
            let seconds = time / 1000 - self.now / 1000;
            if seconds > 0 {
                self.host.age(seconds as u32);
            }
            self.now = time;
            packets += u64::from(matches!(event, Event::AtGateway(_) | Event::Leaving(_)));
            self.happen(event);
            events += 1;
            assert!(events < EVENTS, "{}: no end", self.context);
        }
        for client in &self.clients {
            assert!(client.is_done(), "{}: {client:?}", self.context);
        }
        for &counter in Counter::ALL {
            let lost = matches!(counter.kind(), Kind::Drop | Kind::Refuse);
            let packets = self.host.counters().get(counter).packets;
            assert!(
                !lost || packets == 0,
                "{}: {counter:?} {packets}",
                self.context
            );
        }
        Seen {
            packets,
            far: self.host.stats(4).reply_packets,
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::AtGateway(frame) => self.arrives(&frame),
            Event::Leaving(frame) => {
                let out = self.pass(Hook::Egress, &frame);
                self.travel(Event::AtClient(out));
            }
            Event::AtClient(frame) => self.client_hears(&frame),
            Event::AtServer(server, frame) => {
                let reply = self.servers[server].answer(&frame);
                let far = self.servers[server].id == 4;
                let reply = reply.frame();
                match far {
                    true => self.travel(Event::AtGateway(reply)),
                    false => self.travel(Event::Leaving(reply)),
                }
            }
            Event::Send(client) => {
                if let Some(packet) = self.clients[client].due(self.now) {
                    self.travel(Event::AtGateway(packet.frame()));
                    self.at(AGAIN, Event::Send(client));
                }
            }
            Event::Change => self.change(),
            Event::Remove(id) => {
                if !self.active.contains(&id) {
                    self.remove(id);
                }
            }
        }
    }

    /// At the uplink: from a client, or from a far backend.
    fn arrives(&mut self, frame: &[u8]) {
        let flows = |host: &Host| [1, 2, 3, 4].map(|id| host.stats(id).flows);
        let before = flows(&self.host);
        let mut out = self.pass(Hook::Ingress, frame);
        for (id, (before, after)) in (1..).zip(before.into_iter().zip(flows(&self.host))) {
            let is_chosen = self.slots.contains(&id);
            assert!(
                before == after || is_chosen,
                "{}: a flow to {id}",
                self.context
            );
        }
        if out == frame {
            out = self.pass(Hook::Answer, frame);
        }
        let Some(Parsed { destination, .. }) = Parsed::of(&out) else {
            panic!("{}: {out:02x?}", self.context);
        };
        let server = self
            .servers
            .iter()
            .position(|server| server.end == destination);
        match server {
            Some(server) => self.travel(Event::AtServer(server, out)),
            None => self.travel(Event::AtClient(out)),
        }
    }

    /// A frame and what becomes of it.
    fn pass(&mut self, hook: Hook, frame: &[u8]) -> Vec<u8> {
        let mut out = frame.to_vec();
        self.host.run(hook, &mut out);
        sums::check(frame, &out);
        out
    }

    fn client_hears(&mut self, frame: &[u8]) {
        let Some(parsed) = Parsed::of(frame) else {
            panic!("{}: {frame:02x?}", self.context);
        };
        let (from, to) = (parsed.source, parsed.destination);
        let asked = |client: &Client| client.end == to && client.vip == from;
        let Some(client) = self.clients.iter().position(asked) else {
            panic!("{}: nobody asked: {from:?} to {to:?}", self.context);
        };
        match self.clients[client].hear(&parsed) {
            Heard::Nothing => {}
            Heard::Next => {
                let pause = match self.rng.below(50) {
                    0 => 3_000_000,
                    1..=5 => self.rng.below(40_000),
                    _ => self.rng.below(1_000),
                };
                let is_long = !self.clients[client].is_tcp && pause > 40_000;
                let pause = if is_long { 40_000 } else { pause } as u64;
                self.clients[client].wait_until(self.now + pause);
                self.at(pause, Event::Send(client));
            }
            Heard::Wrong(what) => {
                panic!("{}: {what}: {:?}", self.context, self.clients[client]);
            }
        }
    }

    /// As user space does it: backends before the slots that name them, removals last.
    fn change(&mut self) {
        let id = 1 + self.rng.below(3) as u32;
        if let Some(at) = self.active.iter().position(|active| *active == id) {
            if self.active.len() > 1 {
                self.active.remove(at);
                self.choose_slots();
                match self.rng.below(2) {
                    0 => self.remove(id),
                    _ => self.at(5_000, Event::Remove(id)),
                }
            }
            return;
        }
        let end = self.servers[id as usize - 1].end;
        self.host.put_backend(id, &fixture::backend(end));
        self.active.push(id);
        self.choose_slots();
    }

    fn remove(&mut self, id: u32) {
        self.host.remove_backend(id);
        for client in &mut self.clients {
            client.backend_is_gone(id);
        }
    }

    /// All slots anew: every new flow may go elsewhere than the last one.
    fn choose_slots(&mut self) {
        for slot in &mut self.slots[..8] {
            *slot = self.rng.pick(&self.active);
        }
        let remote = self.rng.pick(&[4, 4, self.active[0]]);
        self.slots[8] = remote;
        self.host.put_slots(&self.slots);
    }

    /// Once, twice or never, sooner or later.
    fn travel(&mut self, what: Event) {
        let is_bad = self.now < TROUBLE;
        let chance = self.rng.below(100);
        if is_bad && chance < LOST {
            return;
        }
        if is_bad && chance < LOST + DOUBLED {
            let again = match &what {
                Event::AtGateway(frame) => Event::AtGateway(frame.clone()),
                Event::Leaving(frame) => Event::Leaving(frame.clone()),
                Event::AtClient(frame) => Event::AtClient(frame.clone()),
                Event::AtServer(server, frame) => Event::AtServer(*server, frame.clone()),
                _ => return,
            };
            let delay = 1 + self.rng.below(DELAY) as u64;
            self.at(delay, again);
        }
        let delay = 1 + self.rng.below(DELAY) as u64;
        self.at(delay, what);
    }

    /// In so many milliseconds.
    fn at(&mut self, delay: u64, event: Event) {
        self.number += 1;
        self.queue.insert((self.now + delay, self.number), event);
    }
}
