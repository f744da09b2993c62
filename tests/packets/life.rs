//! Flows over time: closing, idling, eviction, backends that leave.

use gateway_common::abi::{
    Counter::{self, *},
    FORWARD, REVERSE,
};

use crate::{
    fixture::{BACKENDS, CLIENT, ONE, SAME, TWO},
    frames::{ACK, End, FIN, RST, SYN, Spec, tcp, udp},
    path::{Hook::*, World, worlds},
    table::{becomes, stays},
};

const NEW: &[Counter] = &[Forwarded, Opened];
const OLD: &[Counter] = &[Forwarded];
const PROVEN: &[Counter] = &[Forwarded, Established];

fn forward(
    world: &mut World,
    name: &'static str,
    spec: &Spec,
    counters: &'static [Counter],
    to: End,
) {
    becomes(name, Ingress, spec, counters, &spec.to(to)).check_in(world);
}

/// Replaces backend 1 by another endpoint, as a rollout does.
fn replace_backend(world: &mut World) {
    world.path.put_slots(&[2]);
    world.path.remove_backend(1);
}

#[test]
fn a_syn_opens_anew_only_after_the_connection_ended() {
    let [old, new, _] = BACKENDS;
    let (syn, data) = (tcp(CLIENT, ONE, SYN), tcp(CLIENT, ONE, ACK));
    let (fin, answer) = (tcp(CLIENT, ONE, FIN | ACK), tcp(old, CLIENT, FIN | ACK));
    for mut world in worlds() {
        let world = &mut world;
        forward(world, "SYN", &syn, NEW, old);
        world.path.put_slots(&[2]);
        forward(world, "FIN of the client", &fin, OLD, old);
        forward(world, "SYN while half open", &syn, OLD, old);
        becomes(
            "FIN of the backend",
            Egress,
            &answer,
            &[Replied, Established],
            &answer.from(ONE),
        )
        .check_in(world);
        forward(world, "last ACK", &data, OLD, old);
        forward(world, "SYN after both FINs", &syn, NEW, new);
        forward(world, "RST", &tcp(CLIENT, ONE, RST), OLD, new);
        world.path.put_slots(&[1]);
        forward(world, "SYN after RST", &syn, NEW, old);
    }
}

#[test]
fn established_connections_stay_with_a_backend_that_leaves() {
    let [old, new, _] = BACKENDS;
    let (syn, data) = (tcp(CLIENT, ONE, SYN), tcp(CLIENT, ONE, ACK));
    for mut world in worlds() {
        let world = &mut world;
        forward(world, "SYN", &syn, NEW, old);
        replace_backend(world);
        world.path.age(3_600);
        forward(world, "data after an hour", &data, OLD, old);
        forward(world, "SYN to a backend that is gone", &syn, NEW, new);
        world.path.age(7_441);
        world.put_backend(1, old);
        world.path.put_slots(&[1]);
        forward(world, "SYN after the idle time", &syn, NEW, old);
    }
}

#[test]
fn a_udp_client_with_a_fixed_port_follows_the_backends() {
    let [old, new, _] = BACKENDS;
    let query = udp(CLIENT, ONE);
    for mut world in worlds() {
        let world = &mut world;
        forward(world, "first", &query, NEW, old);
        world.path.put_slots(&[2]);
        world.path.age(30);
        forward(world, "before the idle time", &query, PROVEN, old);
        world.path.age(61);
        forward(world, "after the idle time", &query, NEW, new);
        world.path.remove_backend(2);
        world.path.put_slots(&[1]);
        world.path.age(2);
        forward(world, "backend gone", &query, NEW, old);
    }
}

#[test]
fn a_reply_under_way_of_a_flow_that_moved_is_translated() {
    let [old, new, _] = BACKENDS;
    let (query, late) = (udp(CLIENT, ONE), udp(old, CLIENT));
    for mut world in worlds() {
        let world = &mut world;
        forward(world, "first", &query, NEW, old);
        world.path.age(2);
        forward(world, "proven", &query, PROVEN, old);
        replace_backend(world);
        world.path.age(2);
        forward(world, "moves", &query, NEW, new);
        for age in [0, 2] {
            world.path.age(age);
            becomes("late reply", Egress, &late, &[Replied], &late.from(ONE)).check_in(world);
        }
        forward(world, "stays there", &query, OLD, new);
    }
}

#[test]
fn replies_keep_a_flow_alive_in_both_directions() {
    let query = udp(CLIENT, ONE);
    let reply = udp(BACKENDS[0], CLIENT);
    for mut world in worlds() {
        let world = &mut world;
        forward(world, "first", &query, NEW, BACKENDS[0]);
        world.path.age(50);
        becomes("reply", Egress, &reply, &[Replied], &reply.from(ONE)).check_in(world);
        world.path.age(50);
        forward(world, "still the same flow", &query, PROVEN, BACKENDS[0]);
    }
}

#[test]
fn an_evicted_direction_comes_back() {
    let (syn, data) = (tcp(CLIENT, ONE, SYN), tcp(CLIENT, ONE, ACK));
    let (accepts, answer) = (SYN | ACK, tcp(BACKENDS[0], CLIENT, ACK));
    for (mut world, is_established) in worlds().into_iter().zip([true, true, false, false]) {
        let world = &mut world;
        forward(world, "SYN", &syn, NEW, BACKENDS[0]);
        let mut reply = tcp(BACKENDS[0], CLIENT, accepts);
        if is_established {
            let counters = &[Replied, Established];
            becomes("data back", Egress, &answer, counters, &answer.from(ONE)).check_in(world);
            reply = answer.clone();
        }
        for direction in [REVERSE, FORWARD] {
            let lost = world
                .path
                .flows()
                .into_iter()
                .find(|(key, _)| key.direction == direction);
            let (key, flow) = lost.expect("an entry for each direction");
            world.path.remove_flow(&key);
            world.path.age(2);
            match direction {
                REVERSE => forward(world, "data", &data, OLD, BACKENDS[0]),
                _ => {
                    becomes("answer", Egress, &reply, &[Replied], &reply.from(ONE)).check_in(world);
                }
            }
            let back = world
                .path
                .flows()
                .into_iter()
                .find(|(found, _)| *found == key);
            let (_, mut restored) = back.expect("restored by the other direction");
            restored.last_seen = flow.last_seen;
            assert_eq!(restored, flow, "{}", world.path.name());
        }
    }
}

#[test]
fn one_client_port_to_two_listeners_of_one_backend_is_not_mixed_up() {
    let syn = tcp(CLIENT, SAME, SYN);
    let first = tcp(CLIENT, ONE, SYN);
    for mut world in worlds() {
        let world = &mut world;
        forward(world, "first listener", &first, NEW, BACKENDS[0]);
        stays("second listener", Ingress, &syn, &[DropReverseTaken]).check_in(world);
        forward(world, "RST", &tcp(CLIENT, ONE, RST), OLD, BACKENDS[0]);
        forward(
            world,
            "second listener after the first",
            &syn,
            NEW,
            BACKENDS[0],
        );
        let answer = tcp(BACKENDS[0], CLIENT, SYN | ACK);
        becomes("answer", Egress, &answer, &[Replied], &answer.from(SAME)).check_in(world);
    }
}

#[test]
fn a_taken_backend_gives_way_to_the_next_slot() {
    let [_, second, _] = BACKENDS;
    let (first, other) = (tcp(CLIENT, ONE, SYN), tcp(CLIENT, TWO, SYN));
    for mut world in worlds() {
        let world = &mut world;
        // Service 2 owns the slots from 1: mostly the backend that the first flow has.
        world.path.put_slots(&[1, 1, 2, 1, 2, 1, 2, 1]);
        forward(world, "first", &first, NEW, BACKENDS[0]);
        forward(world, "another listener", &other, NEW, second);
    }
}

#[test]
fn backends_are_credited() {
    let query = udp(CLIENT, ONE);
    let reply = udp(BACKENDS[0], CLIENT);
    for mut world in worlds() {
        let world = &mut world;
        forward(world, "request", &query, NEW, BACKENDS[0]);
        forward(world, "request", &query, OLD, BACKENDS[0]);
        becomes("reply", Egress, &reply, &[Replied], &reply.from(ONE)).check_in(world);
        let (stats, bytes) = (
            world.path.stats(1),
            query.within(world.family).frame().len() as u64,
        );
        assert_eq!(
            (stats.flows, stats.request_packets, stats.reply_packets),
            (1, 2, 1)
        );
        assert_eq!((stats.request_bytes, stats.reply_bytes), (2 * bytes, bytes));
    }
}
