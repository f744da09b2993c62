//! Properties of the selection, from plans to packets: what a change of the backends moves, and
//! that all nodes agree. A failure names the seed of its round.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use gateway_core::{
    endpoints::{Endpoint, Endpoints},
    l4::{self, Tables, compile, diff},
    name::ObjectName,
    plan::{
        BackendId, Frontend, FrontendId, L4Options, L4Service, Plan, Target, Transport,
        WeightedBackend,
    },
};
use gateway_tests::measured::measured;

use crate::{
    frames::{ACK, End, SYN, Spec, tcp, v4},
    host::Host,
    path::{Action, Config, Hook, Path as _},
    random::Rng,
};

const GATEWAY: End = (v4(203, 0, 113, 1), 5432);
const ROUNDS: u64 = 24;
const FLOWS: usize = 3_000;

/// A Service for each weight, with one endpoint each: weights are of references.
fn service(name: usize) -> BackendId {
    BackendId {
        service: ObjectName::new("default", format!("s{name}")),
        port: 80,
        transport: Transport::Tcp,
    }
}

fn endpoint(name: usize) -> SocketAddr {
    ([10, 1, (name >> 8) as u8, name as u8], 8080).into()
}

/// Names of backends with their weights.
type Backends = BTreeMap<usize, u32>;

/// A node: its tables, which remember what they were before.
#[derive(Default)]
struct Node {
    tables: Tables,
    host: Host,
}

impl Node {
    fn serve(&mut self, backends: &Backends) {
        let weighted = backends.iter().map(|(name, weight)| WeightedBackend {
            target: Target::Backend(service(*name)),
            weight: *weight,
            tls: None,
        });
        let l4 = L4Service {
            gateway: ObjectName::new("default", "gateway"),
            listener: "tcp".into(),
            route: None,
            options: L4Options::default(),
            backends: weighted.collect(),
        };
        let id = FrontendId {
            address: SocketAddr::new(GATEWAY.0, GATEWAY.1),
            transport: Transport::Tcp,
        };
        let plan = Plan {
            frontends: [(id, Frontend::L4(l4))].into(),
            ..Plan::default()
        };
        let ready = |name: &usize| Endpoint::new(endpoint(*name));
        let listed = backends
            .keys()
            .map(|name| (service(*name), vec![ready(name)]));
        let endpoints = Endpoints(listed.collect());
        let desired = compile(&plan, &endpoints, l4::Node::new(1), &self.tables).expect("it fits");
        let ops = diff(&self.tables, &desired);
        ops.iter().for_each(|op| self.tables.apply(op));
        self.host.serve(&config(&self.tables));
    }

    /// Which endpoint a packet goes to.
    fn forward(&mut self, packet: &Spec) -> IpAddr {
        let mut frame = packet.frame();
        assert_eq!(self.host.run(Hook::Ingress, &mut frame), Action::Pass);
        let [.., a, b, c, d] = frame[..34] else {
            panic!("an IPv4 header")
        };
        v4(a, b, c, d)
    }
}

fn config(tables: &Tables) -> Config {
    let mut slots = Vec::new();
    for (offset, region) in &tables.regions {
        let (offset, end) = (*offset as usize, *offset as usize + region.len());
        slots.resize(slots.len().max(end), 0);
        slots[offset..end].copy_from_slice(region);
    }
    Config {
        frontends: tables.frontends.iter().map(|(k, v)| (*k, *v)).collect(),
        services: tables.services.iter().map(|(k, v)| (*k, *v)).collect(),
        backends: tables.backends.iter().map(|(k, v)| (*k, *v)).collect(),
        slots,
        ..Config::default()
    }
}

/// Clients with ports, all different.
fn clients(rng: &mut Rng) -> BTreeSet<End> {
    let mut all = BTreeSet::new();
    while all.len() < FLOWS {
        let [a, b] = [rng.below(256) as u8, rng.below(256) as u8];
        all.insert((v4(172, 16, a, b), 1024 + rng.below(60_000) as u16));
    }
    all
}

fn some_backends(rng: &mut Rng) -> Backends {
    // One less has a table of the same size.
    let count = match rng.below(2) {
        0 => 3 + rng.below(18),
        _ => 22 + rng.below(40),
    };
    // Half of the rounds with the same weight for all, as endpoints of one Service have it.
    let most = if rng.below(2) == 0 { 1 } else { 4 };
    let some = |n| (7 * n + rng.below(7), 1 + rng.below(most) as u32);
    (0..count).map(some).collect()
}

/// One of them, and its share.
fn one_of(backends: &Backends, rng: &mut Rng) -> (usize, f64) {
    let at = rng.below(backends.len());
    let (name, weight) = backends.iter().nth(at).expect("one of them");
    let all: u32 = backends.values().sum();
    (*name, f64::from(*weight) / f64::from(all))
}

/// A connection opened and used in both directions.
fn establish(node: &mut Node, client: End) -> IpAddr {
    let to = node.forward(&tcp(client, GATEWAY, SYN));
    for flags in [SYN | ACK, ACK] {
        let mut reply = tcp((to, 8080), client, flags).frame();
        node.host.run(Hook::Egress, &mut reply);
    }
    to
}

/// `with` has one backend more than `without`, which has `share` of it.
fn judge(seed: u64, from: &Backends, to: &Backends, share: f64, clients: &BTreeSet<End>) -> f64 {
    let context = format!("seed {seed}: {} to {} backends", from.len(), to.len());
    let mut node = Node::default();
    node.serve(from);
    let before: BTreeMap<End, IpAddr> = clients
        .iter()
        .map(|client| (*client, establish(&mut node, *client)))
        .collect();
    node.serve(to);
    for (client, backend) in &before {
        let still = node.forward(&tcp(*client, GATEWAY, ACK));
        assert_eq!(still, *backend, "{context}: {client:?} is established");
    }
    // Whoever comes now meets the new tables. A node that never knew the old ones gives the same.
    let (mut fresh, mut moved) = (Node::default(), 0);
    fresh.serve(to);
    node.host = Host::default();
    node.host.serve(&config(&node.tables));
    for (client, was) in &before {
        let syn = tcp(*client, GATEWAY, SYN);
        let is = node.forward(&syn);
        assert_eq!(
            fresh.forward(&syn),
            is,
            "{context}: {client:?} on two nodes"
        );
        moved += usize::from(is != *was);
    }
    let moved = moved as f64 / clients.len() as f64;
    // Besides the share itself, Maglev moves a few percent; the rest is chance.
    assert!(
        moved <= 1.25 * share + 0.05,
        "{context}: {moved} of new flows move, for a share of {share}"
    );
    assert!(
        moved >= 0.6 * share - 0.01,
        "{context}: {moved} of new flows move, for a share of {share}"
    );
    moved - share
}

#[test]
fn a_backend_more_or_less_moves_its_share_of_new_flows_and_no_established_one() {
    let mut excess = Vec::new();
    for seed in 1..=ROUNDS {
        let mut rng = Rng(0x9e37_79b9_7f4a_7c15 ^ (seed << 20));
        let with = some_backends(&mut rng);
        let (name, share) = one_of(&with, &mut rng);
        let mut without = with.clone();
        without.remove(&name);
        let clients = clients(&mut rng);
        excess.push(judge(seed, &without, &with, share, &clients));
        excess.push(judge(seed, &with, &without, share, &clients));
    }
    let most = excess.iter().copied().fold(0.0, f64::max);
    measured(format_args!(
        "one backend more or less: at most {:.1} % of new flows beyond its share move",
        100.0 * most
    ));
}

/// Two nodes that came to the same backends by different ways have other ids, and agree.
#[test]
fn nodes_agree_whatever_they_had_before() {
    for seed in 1..=ROUNDS {
        let mut rng = Rng(0xd1b5_4a32_d192_ed03 ^ (seed << 20));
        let (mut one, mut two) = (Node::default(), Node::default());
        for _ in 0..rng.below(4) {
            one.serve(&some_backends(&mut rng));
        }
        let backends = some_backends(&mut rng);
        one.serve(&backends);
        two.serve(&backends);
        for client in clients(&mut rng).into_iter().take(500) {
            let syn = tcp(client, GATEWAY, SYN);
            assert_eq!(one.forward(&syn), two.forward(&syn), "seed {seed}");
        }
    }
}
