//! Packets for layer 4 frontends against fresh tables, on the host and in the kernel.

use gateway_common::abi::Counter::{self, *};

use crate::{
    fixture::{BACKENDS, CLIENT, EMPTY, ONE},
    frames::{ACK, SYN, tcp, udp},
    path::Hook::*,
    table::{Row, becomes, run, stays},
};

const NEW: &[Counter] = &[Forwarded, Opened];

/// Frames that are carried, both ways, for both protocols.
#[test]
fn requests_and_replies_are_translated() {
    let [backend, ..] = BACKENDS;
    let (syn, data) = (tcp(CLIENT, ONE, SYN), tcp(CLIENT, ONE, ACK));
    let answer = tcp(backend, CLIENT, SYN | ACK);
    let (query, reply) = (udp(CLIENT, ONE), udp(backend, CLIENT));
    let mut bare = query.clone();
    bare.unsummed = true;
    let mut bare_reply = reply.clone();
    bare_reply.unsummed = true;
    let rows = [
        becomes("SYN", Ingress, &syn, NEW, &syn.to(backend)),
        becomes("SYN again", Ingress, &syn, &[Forwarded], &syn.to(backend)),
        becomes("SYN-ACK", Egress, &answer, &[Replied], &answer.from(ONE)),
        becomes("data", Ingress, &data, &[Forwarded], &data.to(backend)),
        becomes("UDP request", Ingress, &query, NEW, &query.to(backend)),
        becomes("UDP reply", Egress, &reply, &[Replied], &reply.from(ONE)),
        becomes(
            "no UDP checksum",
            Ingress,
            &bare,
            &[Forwarded],
            &bare.to(backend),
        ),
        becomes(
            "no checksum back",
            Egress,
            &bare_reply,
            &[Replied],
            &bare_reply.from(ONE),
        ),
    ];
    run(&rows);
}

/// A TCP segment without a flow, after eviction or take-over, finds its backend by Maglev again.
#[test]
fn segments_without_a_flow_are_forwarded() {
    let data = tcp(CLIENT, ONE, ACK);
    run(&[becomes("ACK", Ingress, &data, NEW, &data.to(BACKENDS[0]))]);
}

/// UDP checksums around zero: the sum that comes out as zero is sent as all ones.
#[test]
fn every_udp_checksum_survives() {
    let rows: Vec<Row> = (0..=u16::MAX)
        .step_by(257)
        .chain(zero_sums())
        .map(|word| {
            let mut query = udp((CLIENT.0, 41_000), ONE);
            query.payload = word.to_be_bytes().to_vec();
            let counters: &[Counter] = if word == 0 { NEW } else { &[Forwarded] };
            becomes("UDP", Ingress, &query, counters, &query.to(BACKENDS[0]))
        })
        .collect();
    run(&rows);
}

/// Payload words for which the checksum is all ones before or after translation.
fn zero_sums() -> impl Iterator<Item = u16> {
    let ones = |end| {
        (1..=u16::MAX).find(move |word| {
            let mut query = udp((CLIENT.0, 41_000), end);
            query.payload = word.to_be_bytes().to_vec();
            query.frame()[40..42] == [0xff, 0xff]
        })
    };
    [ones(ONE), ones(BACKENDS[0])]
        .map(|word| word.expect("one word makes the sum zero"))
        .into_iter()
}

#[test]
fn what_has_no_backend_goes_to_the_stack_to_be_refused() {
    run(&[stays(
        "SYN",
        Ingress,
        tcp(CLIENT, EMPTY, SYN).frame(),
        &[RefuseNoBackend],
    )]);
}
