//! The promise of the order, over random histories.

use std::collections::{BTreeMap, BTreeSet};

use gateway_common::abi::{KIND_L4, KIND_PROXY, KIND_TLS, TLS_NOBODY, TLS_PROXY};

use super::{
    super::{
        compile::{Node, compile},
        names::matching,
        testing::{Rng, backend, plan, tcp, tls_frontend, tls_listener, tls_route},
    },
    *,
};
use crate::{
    endpoints::{Endpoint, Endpoints},
    plan::{self, Plan},
};

const SERVICES: [&str; 4] = ["a", "b", "c", "!"];

fn random_plan(rng: &mut Rng) -> Plan {
    let mut frontends = Vec::new();
    for port in 1..=6 {
        let refs =
            (0..rng.below(4)).map(|_| (SERVICES[rng.below(4) as usize], rng.below(4) as u32));
        let refs: Vec<_> = refs.collect();
        if rng.below(3) > 0 {
            frontends.push((tcp(port), refs));
        }
    }
    let borrowed: Vec<_> = frontends
        .iter()
        .map(|(id, refs)| (*id, refs.as_slice()))
        .collect();
    let mut plan = plan(&borrowed);
    for frontend in plan.frontends.values_mut() {
        match rng.below(8) {
            0 => *frontend = tls_frontend(Vec::new()),
            1..4 => *frontend = random_tls(rng),
            _ => {}
        }
    }
    plan
}

/// Of one or two listeners; some of its routes are shadowed, and some have no backend.
fn random_tls(rng: &mut Rng) -> plan::Frontend {
    let hosts = ["a.x", "b.x", "*.x", "*.b.x", "c.b.x"];
    let mut listeners = Vec::new();
    for hostname in ["*", "*.b.x"].into_iter().take(1 + rng.below(2) as usize) {
        let routes = ["r1", "r2", "r3"].map(|name| {
            let host = hosts[rng.below(5) as usize];
            let to = SERVICES[rng.below(4) as usize];
            tls_route(name, &[host], &[(to, rng.below(3) as u32)])
        });
        listeners.push(tls_listener(hostname, routes.into()));
    }
    tls_frontend(listeners)
}

fn random_endpoints(rng: &mut Rng) -> Endpoints {
    let mut all = BTreeMap::new();
    for name in &SERVICES[..3] {
        let count = rng.below(4);
        let addresses =
            (0..count).map(|_| Endpoint::new(([10, 0, 0, rng.below(6) as u8], 80).into()));
        all.insert(backend(name), addresses.collect());
    }
    Endpoints(all)
}

/// What packets rely on at every moment.
fn assert_sound(tables: &Tables, step: &str) {
    for (key, frontend) in &tables.frontends {
        match frontend.kind {
            KIND_PROXY => assert_eq!(frontend.service, 0),
            KIND_L4 => assert!(
                tables.services.contains_key(&frontend.service),
                "{step}: {key:?}"
            ),
            KIND_TLS => {
                let of_group = |name: &&NameKey| u32::from(name.group()) == frontend.service;
                assert!(tables.names.keys().any(|name| of_group(&name)), "{step}");
            }
            other => panic!("{step}: kind {other}"),
        }
    }
    let leads = |to: &TlsTarget| ![TLS_PROXY, TLS_NOBODY].contains(&to.service);
    for (name, target) in tables.names.iter().filter(|(_, to)| leads(to)) {
        let led = tables.services.contains_key(&target.service);
        assert!(led, "{step}: {:?}", name.pattern());
    }
    for (id, service) in tables.services.iter().filter(|(_, s)| s.maglev_size > 0) {
        let region = tables
            .region_of(service)
            .unwrap_or_else(|| panic!("{step}: service {id}"));
        assert_eq!(
            region.len(),
            service.maglev_size as usize,
            "{step}: service {id}"
        );
        for slot in region.iter().filter(|slot| **slot != 0) {
            let backend = tables.backends.get(slot);
            let backend =
                backend.unwrap_or_else(|| panic!("{step}: slot to {slot} of service {id}"));
            assert_eq!(backend.service, *id, "{step}");
        }
    }
}

/// No service in force looks at slots that `op` is about to write.
fn assert_untouched(tables: &Tables, op: &MapOp, step: &str) {
    let MapOp::PutRegion(at, slots) = op else {
        return;
    };
    let end = at + slots.len() as u32;
    for service in tables.services.values().filter(|s| s.maglev_size > 0) {
        let (from, to) = (
            service.maglev_offset,
            service.maglev_offset + service.maglev_size,
        );
        assert!(to <= *at || end <= from, "{step}: {from}..{to} is in use");
    }
}

/// Names of groups that somebody has.
fn had(tables: &Tables) -> BTreeSet<NameKey> {
    let groups: BTreeSet<u16> = tables.names.keys().map(NameKey::group).collect();
    let names = ["", "org", "x", "a.x", "b.x", "d.x", "c.b.x", "d.b.x"];
    let asked = groups
        .iter()
        .flat_map(|group| names.map(|name| NameKey::asked(*group, name)));
    let led = |asked: &NameKey| {
        let found = matching(&tables.names, *asked);
        found.is_some_and(|(_, target)| target.service != TLS_NOBODY)
    };
    asked.flatten().filter(led).collect()
}

#[test]
fn every_prefix_of_every_change_is_sound() {
    let seed = 20_240_521;
    let mut rng = Rng(seed);
    let mut current = Tables::default();
    let (mut ops_seen, mut kept_names) = (0, 0);
    for round in 0..300 {
        let (plan, endpoints) = (random_plan(&mut rng), random_endpoints(&mut rng));
        let desired = compile(&plan, &endpoints, Node::new(2), &current).expect("it fits");
        let ops = diff(&current, &desired);
        let kept: Vec<_> = had(&current)
            .intersection(&had(&desired))
            .copied()
            .collect();
        kept_names += kept.len();
        for (i, op) in ops.iter().enumerate() {
            let step = format!("seed {seed}, round {round}, operation {i}, {op:?}");
            assert_untouched(&current, op, &step);
            current.apply(op);
            assert_sound(&current, &step);
            let now = had(&current);
            let lost = kept.iter().find(|name| !now.contains(name));
            assert!(lost.is_none(), "{step}: {:?}", lost.map(NameKey::pattern));
        }
        assert_eq!(current, desired, "seed {seed}, round {round}");
        assert_eq!(diff(&current, &desired), [], "seed {seed}, round {round}");
        ops_seen += ops.len();
        // A restart in between: the history is lost, what is in force is not.
        if rng.below(10) == 0 {
            current = current.with_cursors_at_end();
            current.routes.clear();
        }
    }
    assert!(ops_seen > 3_000, "the histories did something: {ops_seen}");
    assert!(kept_names > 200, "names stayed: {kept_names}");
}

#[test]
fn an_interrupted_change_is_finished_by_the_next() {
    let mut rng = Rng(7);
    let mut current = Tables::default();
    for round in 0..200 {
        let (plan, endpoints) = (random_plan(&mut rng), random_endpoints(&mut rng));
        let desired = compile(&plan, &endpoints, Node::new(2), &current).expect("it fits");
        let ops = diff(&current, &desired);
        let some = rng.below(ops.len() as u64 + 1) as usize;
        ops[..some].iter().for_each(|op| current.apply(op));
        // Slots that were written for nothing are not known after a restart.
        let used: Vec<u32> = current.services.values().map(|s| s.maglev_offset).collect();
        current.regions.retain(|at, _| used.contains(at));
        let desired = compile(&plan, &endpoints, Node::new(2), &current).expect("it fits");
        diff(&current, &desired)
            .iter()
            .for_each(|op| current.apply(op));
        assert_eq!(current, desired, "round {round}");
        assert_sound(&current, &format!("round {round}"));
    }
}
