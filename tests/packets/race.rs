//! Two packets of one flow on two CPUs: the second is handled as a whole between any two steps of the
//! first. Neither may be lost or go astray, and both directions must find their way afterwards.

mod racing;

use gateway_common::abi::{Counter, Kind};

use self::racing::Racing;
use crate::{
    fixture::{self, BACKENDS, CLIENT, FAR, NODE, REMOTE, TWO},
    frames::{ACK, Family, SYN, Spec, tcp, udp},
    host::Host,
    path::{
        Action,
        Hook::{self, *},
        Path as _,
    },
};

/// More than any packet takes.
const STEPS: u32 = 100;

struct Race {
    name: &'static str,
    /// Handled one after the other.
    before: Vec<(Hook, Spec)>,
    first: (Hook, Spec),
    second: (Hook, Spec),
}

impl Race {
    /// With the second packet after `step` steps of the first, or after all of them.
    fn run(&self, step: u32, family: Family) {
        let place = format!("{}, {family:?}, at step {step}", self.name);
        let mut host = Host::new(&fixture::config_of(family));
        host.put_slots(&[1, 2, 2, 2, 2, 2, 2, 2, 4]);
        let pass = |host: &mut Host, (hook, spec): &(Hook, Spec)| {
            let mut frame = spec.within(family).frame();
            (host.run(*hook, &mut frame), frame)
        };
        for packet in &self.before {
            pass(&mut host, packet);
        }
        if !self.before.is_empty() {
            // New flows go elsewhere from now on.
            host.put_slots(&[3; 9]);
        }

        let mut frame = self.first.1.within(family).frame();
        let mut second = None;
        let action = Racing::new(&mut host, step, |host| {
            second = Some(pass(host, &self.second));
        })
        .run(self.first.0, &mut frame);
        let second = second.unwrap_or_else(|| pass(&mut host, &self.second));
        for ((hook, spec), (action, frame)) in
            [(&self.first, (action, frame)), (&self.second, second)]
        {
            assert_ne!(action, Action::Drop, "{place}: {hook:?} is dropped");
            let way = way(*hook, spec, family);
            assert_eq!(frame, way, "{place}: {hook:?} goes astray");
        }
        for packet in [&self.first, &self.second] {
            let (_, frame) = pass(&mut host, packet);
            let way = way(packet.0, &packet.1, family);
            assert_eq!(frame, way, "{place}: {:?} goes astray later", packet.0);
        }
        let all = Counter::ALL.iter();
        let mut dropped = all.filter(|counter| counter.kind() == Kind::Drop);
        let counters = host.counters();
        assert!(
            dropped.all(|&counter| counters.get(counter).packets == 0),
            "{place}"
        );
    }
}

/// What a packet looks like behind the hook, where all goes well.
fn way(hook: Hook, spec: &Spec, family: Family) -> Vec<u8> {
    let out = match (hook, spec.destination == REMOTE) {
        (Ingress, true) => spec.clone(),
        (Ingress, false) => spec.to(BACKENDS[1]),
        (Answer, true) => spec.from(NODE).to(FAR).hop(),
        (Answer, false) => spec.from(REMOTE).to(CLIENT).hop(),
        (Egress, _) => spec.from(TWO),
    };
    out.within(family).frame()
}

fn run(races: &[Race]) {
    for race in races {
        for family in [Family::V4, Family::V6] {
            for step in 0..STEPS {
                race.run(step, family);
            }
        }
    }
}

#[test]
fn two_packets_of_a_tcp_connection_meet() {
    let near = |flags| (Ingress, tcp(CLIENT, TWO, flags));
    let near_back = |flags| (Egress, tcp(BACKENDS[1], CLIENT, flags));
    let far = |flags| (Ingress, tcp(CLIENT, REMOTE, flags));
    let far_on = |flags| (Answer, tcp(CLIENT, REMOTE, flags));
    let far_back = |flags| (Answer, tcp(FAR, NODE, flags));
    let opened = || vec![near(SYN), near_back(SYN | ACK)];
    let far_opened = || vec![far(SYN), far_back(SYN | ACK)];
    let race = |name, before, first, second| Race {
        name,
        before,
        first,
        second,
    };
    run(&[
        race("data, ACK", opened(), near(ACK), near_back(ACK)),
        race("ACK, data", opened(), near_back(ACK), near(ACK)),
        race("two replies", opened(), near_back(ACK), near_back(ACK)),
        race("far data, ACK", far_opened(), far(ACK), far_back(ACK)),
        race("far data on, ACK", far_opened(), far_on(ACK), far_back(ACK)),
        race("far ACK, data", far_opened(), far_back(ACK), far(ACK)),
        race("far replies", far_opened(), far_back(ACK), far_back(ACK)),
    ]);
}

#[test]
fn two_datagrams_of_a_flow_meet() {
    let query = || (Ingress, udp(CLIENT, TWO));
    let answer = || (Egress, udp(BACKENDS[1], CLIENT));
    let race = |name, before, first, second| Race {
        name,
        before,
        first,
        second,
    };
    run(&[
        race("two first ones", vec![], query(), query()),
        race("answer, query", vec![query(), answer()], answer(), query()),
        race("query, answer", vec![query(), answer()], query(), answer()),
        race("two queries", vec![query(), answer()], query(), query()),
    ]);
}
