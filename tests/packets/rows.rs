//! Packets for layer 4 frontends against fresh tables, on the host and in the kernel.

use gateway_common::abi::Counter::{self, *};

use crate::{
    fixture::{BACKENDS, CLIENT, EMPTY, ONE},
    frames::{ACK, End, Family, SYN, tcp, udp},
    path::Hook::*,
    table::{Row, becomes, run_in_both_families, stays},
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
            &[Forwarded, Established],
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
    run_in_both_families(&rows);
}

/// A TCP segment without a flow, after eviction or take-over, finds its backend by Maglev again.
#[test]
fn segments_without_a_flow_are_forwarded() {
    let data = tcp(CLIENT, ONE, ACK);
    run_in_both_families(&[becomes("ACK", Ingress, &data, NEW, &data.to(BACKENDS[0]))]);
}

/// UDP checksums around zero: the sum that comes out as zero is sent as all ones.
#[test]
fn every_udp_checksum_survives() {
    let rows: Vec<Row<'_>> = (0..=u16::MAX)
        .step_by(257)
        .chain(zero_sums())
        .map(|word| {
            let mut query = udp((CLIENT.0, 41_000), ONE);
            query.payload = word.to_be_bytes().to_vec();
            let counters: &[Counter] = if word == 0 { NEW } else { &[Forwarded] };
            becomes("UDP", Ingress, &query, counters, &query.to(BACKENDS[0]))
        })
        .collect();
    run_in_both_families(&rows);
}

/// Payload words for which the checksum is all ones before or after translation, in one family or
/// the other.
fn zero_sums() -> Vec<u16> {
    let ones = |(end, family): (End, Family)| {
        let word = (1..=u16::MAX).find(|word| {
            let mut query = udp((CLIENT.0, 41_000), end);
            query.payload = word.to_be_bytes().to_vec();
            let sum = if family == Family::V4 { 40 } else { 60 };
            query.within(family).frame()[sum..sum + 2] == [0xff, 0xff]
        });
        word.expect("one word makes the sum zero")
    };
    let (before, after) = (ONE, BACKENDS[0]);
    let both = [Family::V4, Family::V6].into_iter();
    both.flat_map(|family| [(before, family), (after, family)])
        .map(ones)
        .collect()
}

#[test]
fn what_has_no_backend_goes_to_the_stack_to_be_refused() {
    run_in_both_families(&[stays(
        "SYN",
        Ingress,
        &tcp(CLIENT, EMPTY, SYN),
        &[RefuseNoBackend],
    )]);
}
