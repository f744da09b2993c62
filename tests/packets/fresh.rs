//! What proves that both ends take part in a flow, and what a flood of others does to those that
//! do: nothing.

use gateway_common::abi::{
    Counter::{self, *},
    FORWARD,
};

use crate::{
    fixture::{BACKENDS, CLIENT, ONE, config},
    frames::{ACK, End, FIN, RST, SYN, Spec, tcp, udp, v4},
    kernel::Kernel,
    path::{Hook::*, Path as _, World, worlds},
    table::becomes,
};

const NEW: &[Counter] = &[Forwarded, Opened];

fn request(world: &mut World, name: &'static str, spec: &Spec, counters: &[Counter]) {
    becomes(name, Ingress, spec, counters, &spec.to(BACKENDS[0])).check_in(world);
}

fn reply(world: &mut World, name: &'static str, spec: &Spec, counters: &[Counter]) {
    becomes(name, Egress, spec, counters, &spec.from(ONE)).check_in(world);
}

fn established(world: &World) -> usize {
    let flows = world.path.flows();
    assert_eq!(flows.len(), 2, "one entry for each direction");
    flows.iter().filter(|(_, f)| f.is_established()).count()
}

#[test]
fn a_tcp_connection_is_established_when_the_backend_says_more_than_syn_ack() {
    let syn = tcp(CLIENT, ONE, SYN);
    let back = |flags| tcp(BACKENDS[0], CLIENT, flags);
    for flags in [ACK, FIN | ACK] {
        for mut world in worlds() {
            let world = &mut world;
            request(world, "SYN", &syn, NEW);
            reply(world, "SYN-ACK", &back(SYN | ACK), &[Replied]);
            request(world, "ACK", &tcp(CLIENT, ONE, ACK), &[Forwarded]);
            request(world, "data", &tcp(CLIENT, ONE, ACK), &[Forwarded]);
            reply(world, "SYN-ACK again", &back(SYN | ACK), &[Replied]);
            assert_eq!(established(world), 0);
            reply(world, "more", &back(flags), &[Replied, Established]);
            assert_eq!(established(world), 2);
            request(world, "more data", &tcp(CLIENT, ONE, ACK), &[Forwarded]);
            reply(world, "more back", &back(ACK), &[Replied]);
            assert_eq!(established(world), 2);
        }
    }
}

/// From this the control plane tells which backends take no connections.
#[test]
fn connections_that_are_asked_for_and_accepted_are_counted() {
    let stranger = (v4(10, 0, 0, 9), 40_000);
    for mut world in worlds() {
        let world = &mut world;
        let counted = |world: &World| {
            let stats = world.path.stats(1);
            (stats.flows, stats.asked, stats.accepted)
        };
        request(world, "SYN", &tcp(CLIENT, ONE, SYN), NEW);
        assert_eq!(counted(world), (1, 1, 0));
        request(world, "SYN again", &tcp(CLIENT, ONE, SYN), &[Forwarded]);
        assert_eq!(counted(world), (1, 1, 0));
        reply(
            world,
            "SYN-ACK",
            &tcp(BACKENDS[0], CLIENT, SYN | ACK),
            &[Replied],
        );
        assert_eq!(counted(world), (1, 1, 1));
        // Of a connection that began elsewhere.
        request(world, "ACK", &tcp(stranger, ONE, ACK), NEW);
        reply(world, "RST", &tcp(BACKENDS[0], stranger, RST), &[Replied]);
        request(world, "UDP", &udp(CLIENT, ONE), NEW);
        assert_eq!(counted(world), (3, 1, 1));
    }
}

/// A segment of a connection that the backend does not know either is answered with a reset.
#[test]
fn a_reset_proves_nothing() {
    for mut world in worlds() {
        let world = &mut world;
        request(world, "ACK", &tcp(CLIENT, ONE, ACK), NEW);
        let reset = tcp(BACKENDS[0], CLIENT, RST);
        reply(world, "RST", &reset, &[Replied]);
        assert_eq!(established(world), 0);
        assert!(world.path.flows().iter().all(|(_, flow)| flow.closing()));
    }
}

#[test]
fn datagrams_are_established_by_an_answer_and_a_further_request_or_by_going_on() {
    let (query, answer) = (udp(CLIENT, ONE), udp(BACKENDS[0], CLIENT));
    let proven: &[Counter] = &[Forwarded, Established];
    for mut world in worlds() {
        let world = &mut world;
        request(world, "first", &query, NEW);
        request(world, "at once again", &query, &[Forwarded]);
        reply(world, "answer", &answer, &[Replied]);
        reply(world, "another answer", &answer, &[Replied]);
        assert_eq!(established(world), 0);
        request(world, "next", &query, proven);
        assert_eq!(established(world), 2);
        reply(world, "answer", &answer, &[Replied]);
        request(world, "and on", &query, &[Forwarded]);
    }
    for mut world in worlds() {
        let world = &mut world;
        request(world, "first of one way", &query, NEW);
        world.path.age(1);
        request(world, "a second later", &query, proven);
        assert_eq!(established(world), 2);
    }
}

/// As many as there is room for, many times over, from sources that never come again.
#[test]
fn a_flood_evicts_no_established_flow() {
    const ROOM: u32 = 512;
    const FLOOD: u32 = 20_000;
    let mut kernel = Kernel::with_flows(&config(), ROOM);
    let answer = |flags| tcp(BACKENDS[0], CLIENT, flags);
    becomes(
        "SYN",
        Ingress,
        &tcp(CLIENT, ONE, SYN),
        NEW,
        &tcp(CLIENT, ONE, SYN).to(BACKENDS[0]),
    )
    .check(&mut kernel);
    let data_back = answer(ACK);
    becomes(
        "data back",
        Egress,
        &data_back,
        &[Replied, Established],
        &data_back.from(ONE),
    )
    .check(&mut kernel);
    // Whoever loses its entry would get the other backend from now on.
    kernel.put_slots(&[2]);
    for number in 0..FLOOD {
        let [_, high, low, last] = number.to_be_bytes();
        let source: End = (
            v4(10, 128 + high, low, last),
            1024 + (number % 60_000) as u16,
        );
        let mut frame = match number % 4 {
            0 => udp(source, ONE).frame(),
            1 => tcp(source, ONE, ACK).frame(),
            _ => tcp(source, ONE, SYN).frame(),
        };
        kernel.run(Ingress, &mut frame);
        let mut frame = tcp(BACKENDS[1], source, SYN | ACK).frame();
        kernel.run(Egress, &mut frame);
    }
    let counters = kernel.counters();
    let all = u64::from(FLOOD);
    assert_eq!(counters.opened.packets, all + 1);
    assert_eq!(counters.established.packets, 1);
    assert_eq!(counters.forwarded.packets, all + 1, "and each was carried");
    let flows = kernel.flows();
    let (old, fresh): (Vec<_>, Vec<_>) = flows.iter().partition(|(_, f)| f.is_established());
    assert!(fresh.len() <= ROOM as usize, "{}", fresh.len());
    assert_eq!(old.len(), 2);
    assert!(old.iter().any(|(key, _)| key.direction == FORWARD));
    let data = tcp(CLIENT, ONE, ACK);
    let to = data.to(BACKENDS[0]);
    becomes("data", Ingress, &data, &[Forwarded], &to).check(&mut kernel);
    let from = data_back.from(ONE);
    becomes("data back", Egress, &data_back, &[Replied], &from).check(&mut kernel);
}
