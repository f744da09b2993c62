//! Single packets against fresh tables, on the host and in the kernel.

use std::net::Ipv4Addr;

use gateway_common::abi::Counter::{self, *};

use crate::{
    fixture::{BACKENDS, CLIENT, EMPTY, ONE, PROXY, SAME},
    frames::{ACK, SYN, tcp, udp},
    path::{Hook::*, both},
    table::{Row, becomes, stays},
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

/// Whatever is not ours passes untouched, with the reason counted.
#[test]
fn other_traffic_passes() {
    let ours = tcp(CLIENT, ONE, SYN).frame();
    let with = |at: usize, value: &[u8]| {
        let mut frame = ours.clone();
        frame[at..at + value.len()].copy_from_slice(value);
        frame
    };
    let elsewhere = tcp(CLIENT, (Ipv4Addr::new(203, 0, 113, 1), 81), SYN).frame();
    let rows = [
        stays("other port", Ingress, elsewhere.clone(), &[PassNotOurs]),
        stays(
            "wrong protocol",
            Ingress,
            udp(CLIENT, SAME).frame(),
            &[PassNotOurs],
        ),
        stays(
            "proxy",
            Ingress,
            tcp(CLIENT, PROXY, SYN).frame(),
            &[PassProxy],
        ),
        stays("no reply of ours", Egress, elsewhere, &[PassNoFlow]),
        stays("IPv6", Ingress, with(12, &[0x86, 0xdd]), &[PassNotIpv4]),
        stays("VLAN", Ingress, with(12, &[0x81, 0x00]), &[PassNotIpv4]),
        stays("ARP out", Egress, with(12, &[0x08, 0x06]), &[PassNotIpv4]),
        stays("ICMP", Ingress, with(23, &[1]), &[PassProtocol]),
        stays("options", Ingress, with(14, &[0x46]), &[PassOptions]),
        stays("options out", Egress, with(14, &[0x4f]), &[PassOptions]),
        stays(
            "first fragment",
            Ingress,
            with(20, &[0x20, 0]),
            &[PassFragment],
        ),
        stays(
            "later fragment",
            Ingress,
            with(20, &[0, 1]),
            &[PassFragment],
        ),
        stays(
            "fragment out",
            Egress,
            with(20, &[0x20, 0]),
            &[PassFragment],
        ),
        stays(
            "header of four words",
            Ingress,
            with(14, &[0x44]),
            &[PassMalformed],
        ),
        stays(
            "version 6 in IPv4",
            Ingress,
            with(14, &[0x65]),
            &[PassMalformed],
        ),
        stays(
            "length beyond the frame",
            Ingress,
            with(16, &[1, 0]),
            &[PassMalformed],
        ),
        stays(
            "length within the headers",
            Ingress,
            with(16, &[0, 39]),
            &[PassMalformed],
        ),
    ];
    run(&rows);
}

#[test]
fn a_service_without_backends_drops() {
    run(&[stays(
        "SYN",
        Ingress,
        tcp(CLIENT, EMPTY, SYN).frame(),
        &[DropNoBackend],
    )]);
}

/// Every cut of a frame is left alone; frames without an Ethernet header never reach a program.
#[test]
fn cut_frames_pass_untouched() {
    for spec in [tcp(CLIENT, ONE, SYN), udp(CLIENT, ONE)] {
        let frame = spec.frame();
        let rows = (14..frame.len())
            .map(|cut| stays("cut", Ingress, frame[..cut].to_vec(), &[PassMalformed]));
        run(&rows.collect::<Vec<_>>());
    }
}

/// Cut replies. The kernel refuses test runs on IPv4 frames without a whole IPv4 header; that part
/// of the parser is shared with the requests above.
#[test]
fn cut_replies_pass_untouched() {
    for (open, reply, headers) in [
        (tcp(CLIENT, ONE, SYN), tcp(BACKENDS[0], CLIENT, ACK), 54),
        (udp(CLIENT, ONE), udp(BACKENDS[0], CLIENT), 42),
    ] {
        let mut rows = vec![becomes("open", Ingress, &open, NEW, &open.to(BACKENDS[0]))];
        let frame = reply.frame();
        rows.extend(
            (34..headers).map(|cut| stays("cut", Egress, frame[..cut].to_vec(), &[PassMalformed])),
        );
        run(&rows);
    }
}

fn run(rows: &[Row]) {
    for mut path in both() {
        for row in rows {
            row.check(path.as_mut());
        }
    }
}
