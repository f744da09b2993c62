//! Flows over time: closing, idling, eviction, backends that leave.

use gateway_common::abi::{
    Counter::{self, *},
    FORWARD, REVERSE,
};

use crate::{
    fixture::{BACKENDS, CLIENT, ONE, SAME, TWO, backend},
    frames::{ACK, End, FIN, RST, SYN, Spec, tcp, udp},
    path::{Hook::*, Path, both},
    table::{becomes, stays},
};

const NEW: &[Counter] = &[Forwarded, Opened];
const OLD: &[Counter] = &[Forwarded];

fn forward(
    path: &mut dyn Path,
    name: &'static str,
    spec: &Spec,
    counters: &'static [Counter],
    to: End,
) {
    becomes(name, Ingress, spec, counters, &spec.to(to)).check(path);
}

/// Replaces backend 1 by another endpoint, as a rollout does.
fn replace_backend(path: &mut dyn Path) {
    path.put_slots(&[2]);
    path.remove_backend(1);
}

#[test]
fn a_syn_opens_anew_only_after_the_connection_ended() {
    let [old, new, _] = BACKENDS;
    let (syn, data) = (tcp(CLIENT, ONE, SYN), tcp(CLIENT, ONE, ACK));
    let (fin, answer) = (tcp(CLIENT, ONE, FIN | ACK), tcp(old, CLIENT, FIN | ACK));
    for mut path in both() {
        let path = path.as_mut();
        forward(path, "SYN", &syn, NEW, old);
        path.put_slots(&[2]);
        forward(path, "FIN of the client", &fin, OLD, old);
        forward(path, "SYN while half open", &syn, OLD, old);
        becomes(
            "FIN of the backend",
            Egress,
            &answer,
            &[Replied],
            &answer.from(ONE),
        )
        .check(path);
        forward(path, "last ACK", &data, OLD, old);
        forward(path, "SYN after both FINs", &syn, NEW, new);
        forward(path, "RST", &tcp(CLIENT, ONE, RST), OLD, new);
        path.put_slots(&[1]);
        forward(path, "SYN after RST", &syn, NEW, old);
    }
}

#[test]
fn established_connections_stay_with_a_backend_that_leaves() {
    let [old, new, _] = BACKENDS;
    let (syn, data) = (tcp(CLIENT, ONE, SYN), tcp(CLIENT, ONE, ACK));
    for mut path in both() {
        let path = path.as_mut();
        forward(path, "SYN", &syn, NEW, old);
        replace_backend(path);
        path.age(3_600);
        forward(path, "data after an hour", &data, OLD, old);
        forward(path, "SYN to a backend that is gone", &syn, NEW, new);
        path.age(7_441);
        path.put_backend(1, &backend(old));
        path.put_slots(&[1]);
        forward(path, "SYN after the idle time", &syn, NEW, old);
    }
}

#[test]
fn a_udp_client_with_a_fixed_port_follows_the_backends() {
    let [old, new, _] = BACKENDS;
    let query = udp(CLIENT, ONE);
    for mut path in both() {
        let path = path.as_mut();
        forward(path, "first", &query, NEW, old);
        path.put_slots(&[2]);
        path.age(30);
        forward(path, "before the idle time", &query, OLD, old);
        path.age(61);
        forward(path, "after the idle time", &query, NEW, new);
        path.remove_backend(2);
        path.put_slots(&[1]);
        path.age(2);
        forward(path, "backend gone", &query, NEW, old);
    }
}

#[test]
fn replies_keep_a_flow_alive_in_both_directions() {
    let query = udp(CLIENT, ONE);
    let reply = udp(BACKENDS[0], CLIENT);
    for mut path in both() {
        let path = path.as_mut();
        forward(path, "first", &query, NEW, BACKENDS[0]);
        path.age(50);
        becomes("reply", Egress, &reply, &[Replied], &reply.from(ONE)).check(path);
        path.age(50);
        forward(path, "still the same flow", &query, OLD, BACKENDS[0]);
    }
}

#[test]
fn an_evicted_direction_comes_back() {
    let (syn, data) = (tcp(CLIENT, ONE, SYN), tcp(CLIENT, ONE, ACK));
    let answer = tcp(BACKENDS[0], CLIENT, ACK);
    for mut path in both() {
        let path = path.as_mut();
        forward(path, "SYN", &syn, NEW, BACKENDS[0]);
        for direction in [REVERSE, FORWARD] {
            let lost = path
                .flows()
                .into_iter()
                .find(|(key, _)| key.direction == direction);
            let (key, flow) = lost.expect("an entry for each direction");
            path.remove_flow(&key);
            path.age(2);
            match direction {
                REVERSE => forward(path, "data", &data, OLD, BACKENDS[0]),
                _ => becomes("answer", Egress, &answer, &[Replied], &answer.from(ONE)).check(path),
            }
            let back = path.flows().into_iter().find(|(found, _)| *found == key);
            let (_, mut restored) = back.expect("restored by the other direction");
            restored.last_seen = flow.last_seen;
            assert_eq!(restored, flow, "{}", path.name());
        }
    }
}

#[test]
fn one_client_port_to_two_listeners_of_one_backend_is_not_mixed_up() {
    let syn = tcp(CLIENT, SAME, SYN);
    let first = tcp(CLIENT, ONE, SYN);
    for mut path in both() {
        let path = path.as_mut();
        forward(path, "first listener", &first, NEW, BACKENDS[0]);
        stays("second listener", Ingress, syn.frame(), &[DropReverseTaken]).check(path);
        forward(path, "RST", &tcp(CLIENT, ONE, RST), OLD, BACKENDS[0]);
        forward(
            path,
            "second listener after the first",
            &syn,
            NEW,
            BACKENDS[0],
        );
        let answer = tcp(BACKENDS[0], CLIENT, SYN | ACK);
        becomes("answer", Egress, &answer, &[Replied], &answer.from(SAME)).check(path);
    }
}

#[test]
fn a_taken_backend_gives_way_to_the_next_slot() {
    let [_, second, _] = BACKENDS;
    let (first, other) = (tcp(CLIENT, ONE, SYN), tcp(CLIENT, TWO, SYN));
    for mut path in both() {
        let path = path.as_mut();
        // Service 2 owns the slots from 1: mostly the backend that the first flow has.
        path.put_slots(&[1, 1, 2, 1, 2, 1, 2, 1]);
        forward(path, "first", &first, NEW, BACKENDS[0]);
        forward(path, "another listener", &other, NEW, second);
    }
}

#[test]
fn backends_are_credited() {
    let query = udp(CLIENT, ONE);
    let reply = udp(BACKENDS[0], CLIENT);
    for mut path in both() {
        let path = path.as_mut();
        forward(path, "request", &query, NEW, BACKENDS[0]);
        forward(path, "request", &query, OLD, BACKENDS[0]);
        becomes("reply", Egress, &reply, &[Replied], &reply.from(ONE)).check(path);
        let (stats, bytes) = (path.stats(1), query.frame().len() as u64);
        assert_eq!(
            (stats.flows, stats.request_packets, stats.reply_packets),
            (1, 2, 1)
        );
        assert_eq!((stats.request_bytes, stats.reply_bytes), (2 * bytes, bytes));
    }
}
