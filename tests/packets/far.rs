//! Flows to backends on other nodes. XDP opens them, in both worlds; what is sent on behind it
//! needs a route, which test runs in the kernel have not, so that those rows run on the host, and
//! in the kernel end to end.

use std::collections::BTreeSet;

use gateway_common::abi::{
    Counter::{self, *},
    FlowKey,
};

use crate::{
    control::*,
    fixture::{CLIENT, FAR, NODE, REMOTE},
    frames::{ACK, FIN, RST, SYN, Spec, tcp, udp, v4},
    path::{Hook::*, World, worlds, worlds_where},
    table::{Row, answered, becomes, run_in_both_families, stays},
};

const NEW: &[Counter] = &[PassFar, Opened];
const OLD: &[Counter] = &[PassFar];

/// Rows on the host, in both families.
fn run_on_host(rows: &[Row<'_>]) {
    let hosts = worlds().into_iter().filter(|w| w.path.name() == "host");
    for mut world in hosts {
        rows.iter().for_each(|row| row.check_in(&mut world));
    }
}

/// A request as it goes on.
fn onward(request: &Spec) -> Spec {
    request.from(NODE).to(FAR).hop()
}

/// A backend's reply as the client gets it.
fn homeward(reply: &Spec) -> Spec {
    reply.from(REMOTE).to(CLIENT).hop()
}

#[test]
fn xdp_opens_flows_and_leaves_their_packets_to_the_program_behind_it() {
    let (syn, query) = (tcp(CLIENT, REMOTE, SYN), udp(CLIENT, REMOTE));
    run_in_both_families(&[
        stays("SYN", Ingress, &syn, NEW),
        stays("SYN again", Ingress, &syn, OLD),
        stays("UDP", Ingress, &query, NEW),
        stays("reply", Ingress, &tcp(FAR, NODE, ACK), &[PassNotOurs]),
        stays("out", Egress, &tcp(FAR, NODE, SYN | ACK), &[PassNoFlow]),
    ]);
}

#[test]
fn requests_and_replies_are_translated_at_both_ends() {
    let (syn, query) = (tcp(CLIENT, REMOTE, SYN), udp(CLIENT, REMOTE));
    let (answer, reply) = (tcp(FAR, NODE, SYN | ACK), udp(FAR, NODE));
    let mut bare = reply.clone();
    bare.unsummed = true;
    run_on_host(&[
        stays("SYN", Ingress, &syn, NEW),
        becomes("SYN on", Answer, &syn, &[Forwarded], &onward(&syn)),
        becomes("SYN-ACK", Answer, &answer, &[Replied], &homeward(&answer)),
        stays("UDP", Ingress, &query, NEW),
        becomes("UDP on", Answer, &query, &[Forwarded], &onward(&query)),
        becomes("UDP reply", Answer, &reply, &[Replied], &homeward(&reply)),
        becomes("no checksum", Answer, &bare, &[Replied], &homeward(&bare)),
    ]);
}

#[test]
fn their_acceptance_is_counted() {
    let answer = tcp(FAR, NODE, SYN | ACK);
    let hosts = worlds().into_iter().filter(|w| w.path.name() == "host");
    for mut world in hosts {
        stays("SYN", Ingress, &tcp(CLIENT, REMOTE, SYN), NEW).check_in(&mut world);
        assert_eq!(
            (world.path.stats(4).asked, world.path.stats(4).accepted),
            (1, 0)
        );
        becomes("SYN-ACK", Answer, &answer, &[Replied], &homeward(&answer)).check_in(&mut world);
        assert_eq!(
            (world.path.stats(4).asked, world.path.stats(4).accepted),
            (1, 1)
        );
    }
}

#[test]
fn what_is_no_far_flow_goes_to_the_stack() {
    let stranger = (v4(10, 9, 0, 8), 9090);
    run_on_host(&[
        stays("unknown", Answer, &tcp(CLIENT, REMOTE, ACK), &[]),
        stays("stranger", Answer, &tcp(stranger, NODE, ACK), &[]),
        stays("other port", Answer, &tcp(FAR, (NODE.0, 22), ACK), &[]),
    ]);
}

/// The fixture has one port for far backends: the second client must wait for the first to end.
#[test]
fn a_port_serves_one_connection_to_a_backend_at_a_time() {
    let other = (v4(10, 0, 0, 2), 40_000);
    for mut world in worlds() {
        let syn = tcp(other, REMOTE, SYN);
        stays("first", Ingress, &tcp(CLIENT, REMOTE, SYN), NEW).check_in(&mut world);
        stays_dropped(&syn, &mut world);
        stays("RST", Ingress, &tcp(CLIENT, REMOTE, RST), OLD).check_in(&mut world);
        stays("second", Ingress, &syn, NEW).check_in(&mut world);
    }
}

fn stays_dropped(syn: &Spec, world: &mut World) {
    stays("second too early", Ingress, syn, &[DropNoPort]).check_in(world);
}

/// What is left of an established connection tells nothing about the next one at its port.
#[test]
fn a_port_of_an_ended_connection_serves_the_next_client() {
    let other = (v4(10, 0, 0, 2), 40_000);
    let (data, answer) = (tcp(FAR, NODE, ACK), tcp(FAR, NODE, SYN | ACK));
    let proven: &[Counter] = &[Replied, Established];
    let to_other = answer.from(REMOTE).to(other).hop();
    run_on_host(&[
        stays("SYN", Ingress, &tcp(CLIENT, REMOTE, SYN), NEW),
        becomes("data", Answer, &data, proven, &homeward(&data)),
        stays("RST", Ingress, &tcp(CLIENT, REMOTE, RST), OLD),
        stays("SYN of another", Ingress, &tcp(other, REMOTE, SYN), NEW),
        becomes("SYN-ACK", Answer, &answer, &[Replied], &to_other),
    ]);
}

/// Replies to the last connection may be under way. The fixture's one port does not rest.
#[test]
fn a_port_rests_after_a_connection() {
    for mut world in worlds_where(|config| config.snat.iter_mut().for_each(|s| s.ports = 64)) {
        let port_of = |world: &World, end| {
            let (address, port) = world.family.of(end);
            let mut flows = world.path.flows().into_iter();
            let is_its = |key: &FlowKey| key.source == address.into() && key.source_port == port;
            flows.find_map(|(key, flow)| is_its(&key).then_some((key, flow.peer_port)))
        };
        stays("first", Ingress, &tcp(CLIENT, REMOTE, SYN), NEW).check_in(&mut world);
        stays("RST", Ingress, &tcp(CLIENT, REMOTE, RST), OLD).check_in(&mut world);
        let (_, resting) = port_of(&world, CLIENT).expect("a flow");
        let mut used = BTreeSet::new();
        for port in 0..400 {
            let other = (v4(10, 0, 0, 2), 40_000 + port);
            stays("other", Ingress, &tcp(other, REMOTE, SYN), NEW).check_in(&mut world);
            let (key, port) = port_of(&world, other).expect("a flow");
            assert_ne!(port, resting);
            used.insert(port);
            world.path.remove_flow(&key);
        }
        assert_eq!(used.len(), 63, "all the others");
    }
}

#[test]
fn both_ends_close_a_far_connection() {
    let (fin, answer) = (tcp(CLIENT, REMOTE, FIN | ACK), tcp(FAR, NODE, FIN | ACK));
    let syn = tcp(CLIENT, REMOTE, SYN);
    run_on_host(&[
        stays("SYN", Ingress, &syn, NEW),
        stays("FIN", Ingress, &fin, OLD),
        becomes(
            "FIN back",
            Answer,
            &answer,
            &[Replied, Established],
            &homeward(&answer),
        ),
        stays("SYN anew", Ingress, &syn, NEW),
    ]);
}

#[test]
fn a_packet_out_of_hops_is_dropped() {
    let mut last = tcp(CLIENT, REMOTE, ACK);
    last.hops = 1;
    run_on_host(&[
        stays("open", Ingress, &last, NEW),
        stays("last hop", Answer, &last, &[DropHops]),
    ]);
}

/// Errors about either direction, with the addresses of whoever hears of them.
#[test]
fn errors_reach_whom_they_concern() {
    let router = v4(198, 51, 100, 77);
    let (request, reply) = (udp(CLIENT, REMOTE), udp(FAR, NODE));
    let inwards = error(TOO_BIG, router, REMOTE.0, &reply.from(REMOTE).to(CLIENT));
    let outwards = error(NO_PORT, FAR.0, NODE.0, &request.from(NODE).to(FAR));
    let backend = error(TOO_BIG, NODE.0, FAR.0, &reply).hop();
    let client = error(NO_PORT, REMOTE.0, CLIENT.0, &request).hop();
    run_on_host(&[
        stays("open", Ingress, &request, NEW),
        stays("XDP leaves it", Ingress, &inwards, &[PassFar]),
        answered("to the backend", Answer, &inwards, &[Related], &backend),
        stays("XDP does not know", Ingress, &outwards, &[PassProtocol]),
        answered("to the client", Answer, &outwards, &[Related], &client),
    ]);
}
