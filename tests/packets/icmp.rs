//! Control messages: errors about flows, and pings, on the host and in the kernel.

use std::net::IpAddr;

use gateway_common::abi::Counter::*;

use crate::{
    control::*,
    fixture::{BACKENDS, CLIENT, ONE, TWO},
    frames::{Family, SYN, Spec, tcp, udp, v4},
    path::{Hook::*, worlds},
    table::{Row, answered, becomes, run_in_both_families, stays},
};

const ROUTER: IpAddr = v4(198, 51, 100, 77);

/// The first packet of a flow to backend 1, for TCP and for UDP, and the reply.
fn flows() -> [(Spec, Spec); 3] {
    let backend = BACKENDS[0];
    let mut bare = udp((CLIENT.0, 41_000), ONE);
    bare.unsummed = true;
    let mut bare_reply = udp(backend, (CLIENT.0, 41_000));
    bare_reply.unsummed = true;
    [
        (tcp(CLIENT, ONE, SYN), tcp(backend, CLIENT, SYN)),
        (udp(CLIENT, ONE), udp(backend, CLIENT)),
        (bare, bare_reply),
    ]
}

fn opened(request: &Spec) -> Row<'static> {
    let to = request.to(BACKENDS[0]);
    becomes("open", Ingress, request, &[Forwarded, Opened], &to)
}

/// A router towards the client cannot carry what the gateway sent: the backend is told, in terms
/// of what it sent itself. Of TCP only 8 bytes behind the IP header are compared, for checksums of
/// quoted segments, which may be cut off, stay.
#[test]
fn errors_about_replies_reach_the_backend() {
    for (request, reply) in flows() {
        let sent = reply.from(ONE);
        for kinds in [TOO_BIG, TIME_EXCEEDED] {
            let told = error(kinds, ROUTER, ONE.0, &sent).quoting(8);
            let translated = error(kinds, ROUTER, BACKENDS[0].0, &reply).quoting(8);
            run_in_both_families(&[
                opened(&request),
                answered("error", Ingress, &told, &[Related], &translated),
            ]);
        }
    }
}

/// The node or a host behind it cannot carry what the client sent, or nobody listens there: the
/// client is told by the Gateway, in terms of what it sent itself.
#[test]
fn errors_about_requests_reach_the_client() {
    for (request, _) in flows() {
        let sent = request.to(BACKENDS[0]);
        for (kinds, from) in [(TOO_BIG, ROUTER), (NO_PORT, BACKENDS[0].0)] {
            let told = error(kinds, from, CLIENT.0, &sent).quoting(8);
            let translated = error(kinds, ONE.0, CLIENT.0, &request).quoting(8);
            run_in_both_families(&[
                opened(&request),
                answered("error", Egress, &told, &[Related], &translated),
            ]);
        }
    }
}

/// With more of the packet than the standard wants, as kernels quote it.
#[test]
fn errors_with_the_whole_packet_are_translated() {
    let (request, reply) = (udp(CLIENT, ONE), udp(BACKENDS[0], CLIENT));
    let inwards = error(TOO_BIG, ROUTER, ONE.0, &reply.from(ONE));
    let outwards = error(NO_PORT, BACKENDS[0].0, CLIENT.0, &request.to(BACKENDS[0]));
    let backend = error(TOO_BIG, ROUTER, BACKENDS[0].0, &reply);
    let client = error(NO_PORT, ONE.0, CLIENT.0, &request);
    run_in_both_families(&[
        opened(&request),
        answered("in", Ingress, &inwards, &[Related], &backend),
        answered("out", Egress, &outwards, &[Related], &client),
    ]);
}

#[test]
fn errors_about_nothing_of_ours_pass() {
    let (request, other) = (tcp(CLIENT, ONE, SYN), tcp(TWO, CLIENT, SYN));
    let short = error(TOO_BIG, ROUTER, ONE.0, &request.to(CLIENT).from(ONE));
    run_in_both_families(&[
        opened(&request),
        stays(
            "another flow",
            Ingress,
            &error(TOO_BIG, ROUTER, TWO.0, &other),
            &[PassProtocol],
        ),
        stays("cut ports", Ingress, &short.quoting(7), &[PassProtocol]),
        stays(
            "no quote",
            Ingress,
            &Control {
                body: Body::Bytes(Vec::new()),
                ..short.clone()
            },
            &[PassProtocol],
        ),
        stays(
            "for the node",
            Ingress,
            &Control {
                kinds: FOR_THE_NODE,
                ..short
            },
            &[PassProtocol],
        ),
    ]);
}

#[test]
fn every_cut_of_an_error_passes() {
    let (request, reply) = (udp(CLIENT, ONE), udp(BACKENDS[0], CLIENT));
    let told = error(TOO_BIG, ROUTER, ONE.0, &reply.from(ONE)).quoting(8);
    for mut world in worlds() {
        opened(&request).check_in(&mut world);
        let frame = told.frame(world.family);
        let ip = if world.family == Family::V4 { 34 } else { 54 };
        for cut in 14..frame.len() {
            let counter = if cut < ip + 8 {
                PassMalformed
            } else {
                PassProtocol
            };
            let (cut, counters) = (frame[..cut].to_vec(), [counter]);
            stays("cut", Ingress, cut, &counters).check_in(&mut world);
        }
    }
}

#[test]
fn pings_of_our_addresses_are_answered() {
    for payload in [&b""[..], b"x", &[7; 1400]] {
        let ask = ping(CLIENT.0, ONE.0, payload);
        run_in_both_families(&[answered(
            "ping",
            Ingress,
            &ask,
            &[AnswerEcho],
            &ask.answered(),
        )]);
    }
}

#[test]
fn other_pings_pass() {
    let of = |source, destination| ping(source, destination, b"ping");
    let code = Control {
        kinds: ([8, 1], [128, 1]),
        ..of(CLIENT.0, ONE.0)
    };
    let reply = Control {
        kinds: ECHO_REPLY,
        ..of(CLIENT.0, ONE.0)
    };
    run_in_both_families(&[
        stays(
            "another node's",
            Ingress,
            &of(CLIENT.0, TWO.0),
            &[PassProtocol],
        ),
        stays(
            "the node's",
            Ingress,
            &of(CLIENT.0, CLIENT.0),
            &[PassProtocol],
        ),
        stays(
            "from ourselves",
            Ingress,
            &of(ONE.0, ONE.0),
            &[PassProtocol],
        ),
        stays("code", Ingress, &code, &[PassProtocol]),
        stays("a reply", Ingress, &reply, &[PassProtocol]),
        stays("out", Egress, &of(CLIENT.0, ONE.0), &[PassProtocol]),
    ]);
}

/// Whoever spoofs a group as sender does not make the gateway ping everybody; frames for another
/// station are not ours.
#[test]
fn pings_from_nobody_pass() {
    for mut world in worlds() {
        let mut frame = ping(CLIENT.0, ONE.0, b"ping").frame(world.family);
        frame[5] = 9;
        stays("another station", Ingress, frame, &[PassProtocol]).check_in(&mut world);
        let mut frame = ping(CLIENT.0, ONE.0, b"ping").frame(world.family);
        let source: &[u8] = match world.family {
            Family::V4 => &[224, 0, 0, 1],
            Family::V6 => &[0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        };
        let at = if world.family == Family::V4 { 26 } else { 22 };
        frame[at..at + source.len()].copy_from_slice(source);
        stays("a group", Ingress, frame, &[PassProtocol]).check_in(&mut world);
    }
}
