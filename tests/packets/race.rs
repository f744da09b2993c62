//! Two packets of one flow on two CPUs: the second is handled as a whole between any two steps of the
//! first. Neither may be lost or go astray, and both must find their way afterwards.

mod racing;

use gateway_common::abi::{Counter, Kind};

use self::racing::Racing;
use crate::{
    fixture::{
        self, BACKENDS, CLIENT, DIRECT, DISTANT_TAG, FAR, NODE, OTHER_NODE, REMOTE, TAGS, TWO,
    },
    frames::{ACK, Family, SYN, tcp, udp},
    host::Host,
    nested::nested,
    path::{
        Action,
        Hook::{self, *},
        Path as _,
    },
    table::Shape,
};

/// More than any packet takes.
const STEPS: u32 = 100;

#[derive(Clone)]
struct Packet {
    hook: Hook,
    frame: Shape,
    out: Shape,
}

fn packet(hook: Hook, frame: impl Into<Shape>, out: impl Into<Shape>) -> Packet {
    Packet {
        hook,
        frame: frame.into(),
        out: out.into(),
    }
}

impl Packet {
    fn pass(&self, host: &mut Host, family: Family) -> (Action, Vec<u8>) {
        let mut frame = self.frame.bytes(family);
        (host.run(self.hook, &mut frame), frame)
    }

    fn check(&self, (action, frame): (Action, Vec<u8>), family: Family, place: &str) {
        assert_ne!(action, Action::Drop, "{place}: dropped");
        assert_eq!(frame, self.out.bytes(family), "{place}: astray");
    }
}

/// With the second packet after any number of steps of the first. `before`: the packets that came
/// earlier, one after the other.
fn race(name: &str, before: &[&Packet], first: &Packet, second: &Packet) {
    for family in [Family::V4, Family::V6] {
        for step in 0..STEPS {
            let place = format!("{name}, {family:?}, at step {step}");
            run(before, first, second, family, step, &place);
        }
    }
}

fn run(
    before: &[&Packet],
    first: &Packet,
    second: &Packet,
    family: Family,
    step: u32,
    place: &str,
) {
    let mut config = fixture::config_of(family);
    // The third backend has its turn later.
    config.slots[1..8].fill(2);
    let mut host = Host::new(&config);
    for packet in before {
        packet.pass(&mut host, family);
    }
    if !before.is_empty() {
        config.slots[1..8].fill(3);
        host.put_slots(&config.slots);
    }

    let mut frame = first.frame.bytes(family);
    let mut other = None;
    let racing = Racing::new(&mut host, step, |host| {
        other = Some(second.pass(host, family));
    });
    let action = racing.run(first.hook, &mut frame);
    first.check((action, frame), family, &format!("{place}: first"));
    let other = other.unwrap_or_else(|| second.pass(&mut host, family));
    second.check(other, family, &format!("{place}: second"));
    for packet in [first, second] {
        let again = packet.pass(&mut host, family);
        packet.check(again, family, &format!("{place}: later"));
    }
    let counters = host.counters();
    let mut drops = Counter::ALL.iter().filter(|c| c.kind() == Kind::Drop);
    assert!(drops.all(|&c| counters.get(c).packets == 0), "{place}");
}

#[test]
fn two_packets_of_a_connection_meet() {
    let request = |flags| {
        let frame = tcp(CLIENT, TWO, flags);
        packet(Ingress, &frame, &frame.to(BACKENDS[1]))
    };
    let reply = |flags| {
        let frame = tcp(BACKENDS[1], CLIENT, flags);
        packet(Egress, &frame, &frame.from(TWO))
    };
    let opened = [&request(SYN), &reply(SYN | ACK)];
    let (data, ack) = (&request(ACK), &reply(ACK));
    race("data, ACK", &opened, data, ack);
    race("ACK, data", &opened, ack, data);
    race("two replies", &opened, ack, ack);
}

#[test]
fn two_packets_of_a_connection_to_another_node_meet() {
    let to_xdp = |flags| {
        let frame = tcp(CLIENT, REMOTE, flags);
        packet(Ingress, &frame, &frame)
    };
    let frame = tcp(CLIENT, REMOTE, ACK);
    let onward = &packet(Answer, &frame, &frame.from(NODE).to(FAR).hop());
    let reply = |flags| {
        let frame = tcp(FAR, NODE, flags);
        packet(Answer, &frame, &frame.from(REMOTE).to(CLIENT).hop())
    };
    let opened = [&to_xdp(SYN), &reply(SYN | ACK)];
    let (data, ack) = (&to_xdp(ACK), &reply(ACK));
    race("data, ACK", &opened, data, ack);
    race("data onward, ACK", &opened, onward, ack);
    race("ACK, data", &opened, ack, data);
    race("two replies", &opened, ack, ack);
}

#[test]
fn two_packets_of_a_connection_in_outer_headers_meet() {
    let sent = |flags| {
        let frame = tcp(CLIENT, DIRECT, flags);
        packet(Ingress, &frame, nested(&frame, OTHER_NODE, DISTANT_TAG))
    };
    race("two SYNs", &[], &sent(SYN), &sent(SYN));
    race("two segments", &[&sent(SYN)], &sent(ACK), &sent(ACK));

    let arrived = |flags| {
        let frame = tcp(CLIENT, TWO, flags);
        let out = frame.to(BACKENDS[1]);
        packet(Ingress, nested(&frame, NODE.0, TAGS[0]), &out)
    };
    let reply = |flags| {
        let frame = tcp(BACKENDS[1], CLIENT, flags);
        packet(Egress, &frame, &frame.from(TWO))
    };
    let opened = [&arrived(SYN), &reply(SYN | ACK)];
    race("two SYNs", &[], &arrived(SYN), &arrived(SYN));
    race("data, ACK", &opened, &arrived(ACK), &reply(ACK));
    race("ACK, data", &opened, &reply(ACK), &arrived(ACK));
}

#[test]
fn two_datagrams_of_a_flow_meet() {
    let frame = udp(CLIENT, TWO);
    let query = &packet(Ingress, &frame, &frame.to(BACKENDS[1]));
    let frame = udp(BACKENDS[1], CLIENT);
    let answer = &packet(Egress, &frame, &frame.from(TWO));
    race("two first ones", &[], query, query);
    race("answer, query", &[query, answer], answer, query);
    race("query, answer", &[query, answer], query, answer);
    race("two queries", &[query, answer], query, query);
}
