//! Packets that are left alone, on the host and in the kernel.

use std::net::Ipv4Addr;

use gateway_common::abi::Counter::{self, *};

use crate::{
    fixture::{BACKENDS, CLIENT, ONE, PROXY, SAME},
    frames::{ACK, SYN, tcp, udp},
    path::Hook::{self, *},
    table::{becomes, run, stays},
};

/// Another address, port or protocol than those of a layer 4 frontend.
#[test]
fn traffic_for_others_passes() {
    let elsewhere = tcp(CLIENT, (Ipv4Addr::new(203, 0, 113, 1), 81), SYN).frame();
    let datagram = udp(CLIENT, SAME).frame();
    let proxied = tcp(CLIENT, PROXY, SYN).frame();
    run(&[
        stays("other port", Ingress, elsewhere.clone(), &[PassNotOurs]),
        stays("wrong protocol", Ingress, datagram, &[PassNotOurs]),
        stays("proxy", Ingress, proxied, &[PassProxy]),
        stays("no reply of ours", Egress, elsewhere, &[PassNoFlow]),
    ]);
}

/// Name, hook, where bytes of a frame of ours are replaced, by which, and what that counts as.
type Change = (&'static str, Hook, usize, &'static [u8], &'static [Counter]);

const HEADERS: [Change; 13] = [
    ("IPv6", Ingress, 12, &[0x86, 0xdd], &[PassNotIpv4]),
    ("VLAN", Ingress, 12, &[0x81, 0x00], &[PassNotIpv4]),
    ("ARP out", Egress, 12, &[0x08, 0x06], &[PassNotIpv4]),
    ("ICMP", Ingress, 23, &[1], &[PassProtocol]),
    ("options", Ingress, 14, &[0x46], &[PassOptions]),
    ("options out", Egress, 14, &[0x4f], &[PassOptions]),
    ("first fragment", Ingress, 20, &[0x20, 0], &[PassFragment]),
    ("later fragment", Ingress, 20, &[0, 1], &[PassFragment]),
    ("fragment out", Egress, 20, &[0x20, 0], &[PassFragment]),
    (
        "four words of header",
        Ingress,
        14,
        &[0x44],
        &[PassMalformed],
    ),
    ("version 6 in IPv4", Ingress, 14, &[0x65], &[PassMalformed]),
    (
        "longer than the frame",
        Ingress,
        16,
        &[1, 0],
        &[PassMalformed],
    ),
    (
        "shorter than its headers",
        Ingress,
        16,
        &[0, 39],
        &[PassMalformed],
    ),
];

#[test]
fn headers_that_we_do_not_touch_pass() {
    let rows = HEADERS.map(|(name, hook, at, bytes, counters)| {
        let mut frame = tcp(CLIENT, ONE, SYN).frame();
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        stays(name, hook, frame, counters)
    });
    run(&rows);
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
        let mut rows = vec![becomes(
            "open",
            Ingress,
            &open,
            &[Forwarded, Opened],
            &open.to(BACKENDS[0]),
        )];
        let frame = reply.frame();
        rows.extend(
            (34..headers).map(|cut| stays("cut", Egress, frame[..cut].to_vec(), &[PassMalformed])),
        );
        run(&rows);
    }
}
