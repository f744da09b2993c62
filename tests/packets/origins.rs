//! Backends that one frontend leads to: a new flow has no entry for replies until there is one.

use gateway_common::abi::{
    Counter::{self, *},
    FORWARD,
};

use crate::{
    fixture::{BACKENDS, CLIENT, ONE, SAME, TWO},
    frames::{ACK, End, FIN, RST, SYN, Spec, tcp, udp},
    path::{Hook::*, World, worlds},
    table::becomes,
};

const NEW: &[Counter] = &[Forwarded, Opened];
const OLD: &[Counter] = &[Forwarded];

/// Service 2, whose slots begin at 1, has this backend only.
fn only(world: &mut World, backend: u32) {
    world
        .path
        .put_slots(&[[1].as_slice(), &[backend; 7]].concat());
}

fn request(world: &mut World, name: &'static str, spec: &Spec, new: &[Counter], to: End) {
    becomes(name, Ingress, spec, new, &spec.to(to)).check_in(world);
}

fn reply(world: &mut World, name: &'static str, spec: &Spec, counters: &[Counter]) {
    becomes(name, Egress, spec, counters, &spec.from(TWO)).check_in(world);
}

/// Directions of the entries, in order.
fn directions(world: &World) -> Vec<u16> {
    let flows = world.path.flows();
    let mut all: Vec<_> = flows.iter().map(|(key, _)| key.direction).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_new_flow_has_one_entry_until_it_is_answered() {
    let [_, to, _] = BACKENDS;
    for (first, answer) in [
        (tcp(CLIENT, TWO, SYN), tcp(to, CLIENT, SYN | ACK)),
        (udp(CLIENT, TWO), udp(to, CLIENT)),
    ] {
        for mut world in worlds() {
            let world = &mut world;
            only(world, 2);
            request(world, "first", &first, NEW, to);
            assert_eq!(directions(world), [FORWARD]);
            reply(world, "answer", &answer, &[Replied]);
            assert_eq!(directions(world).len(), 2);
        }
    }
}

#[test]
fn where_two_frontends_lead_to_a_backend_it_has_two_at_once() {
    for frontend in [ONE, SAME] {
        for mut world in worlds() {
            let world = &mut world;
            request(world, "SYN", &tcp(CLIENT, frontend, SYN), NEW, BACKENDS[0]);
            assert_eq!(directions(world).len(), 2);
        }
    }
}

/// What the last connection of the same ports left, established or not, closes the next one's flow
/// in no way.
#[test]
fn a_connection_does_not_inherit_the_end_of_the_one_before() {
    let [_, to, _] = BACKENDS;
    let ours = |flags| tcp(CLIENT, TWO, flags);
    let theirs = |flags| tcp(to, CLIENT, flags);
    for first_is_established in [false, true] {
        for mut world in worlds() {
            let world = &mut world;
            only(world, 2);
            request(world, "SYN", &ours(SYN), NEW, to);
            if first_is_established {
                reply(world, "SYN-ACK", &theirs(SYN | ACK), &[Replied]);
                request(world, "ACK", &ours(ACK), OLD, to);
                reply(world, "FIN", &theirs(FIN | ACK), &[Replied, Established]);
                request(world, "FIN too", &ours(FIN | ACK), OLD, to);
            } else {
                reply(world, "RST", &theirs(RST | ACK), &[Replied]);
            }
            assert!(world.path.flows().iter().all(|(_, flow)| flow.closing()));
            request(world, "next SYN", &ours(SYN), NEW, to);
            reply(world, "next SYN-ACK", &theirs(SYN | ACK), &[Replied]);
            request(world, "next ACK", &ours(ACK), OLD, to);
            reply(world, "data", &theirs(ACK), &[Replied, Established]);
            let flows = world.path.flows();
            assert_eq!(flows.len(), 2);
            for (_, flow) in flows {
                assert!(flow.is_established() && !flow.closing(), "{flow:?}");
            }
        }
    }
}

#[test]
fn an_answer_that_comes_after_the_flow_moved_to_another_backend_is_translated() {
    let [_, old, new] = BACKENDS;
    let query = udp(CLIENT, TWO);
    for mut world in worlds() {
        let world = &mut world;
        only(world, 2);
        request(world, "query", &query, NEW, old);
        only(world, 3);
        world.path.remove_backend(2);
        request(world, "query to another", &query, NEW, new);
        reply(world, "late answer", &udp(old, CLIENT), &[Replied]);
        reply(world, "answer", &udp(new, CLIENT), &[Replied]);
    }
}

/// A packet of the backend's own is none of the gateway's, even if it goes to a client of its.
#[test]
fn what_a_backend_sends_from_elsewhere_stays() {
    let [_, to, _] = BACKENDS;
    let own = udp((to.0, to.1 + 1), CLIENT);
    let stranger = udp(to, (CLIENT.0, CLIENT.1 + 1));
    for mut world in worlds() {
        let world = &mut world;
        only(world, 2);
        request(world, "query", &udp(CLIENT, TWO), NEW, to);
        for (name, packet) in [("its own", &own), ("to another port", &stranger)] {
            becomes(name, Egress, packet, &[PassNoFlow], packet).check_in(world);
        }
        assert_eq!(directions(world), [FORWARD]);
    }
}
