//! Packets that are left alone, on the host and in the kernel.

use gateway_common::abi::Counter::{self, *};

use crate::{
    fixture::{BACKENDS, CLIENT, ONE, PROXY, SAME},
    frames::{ACK, Family, SYN, tcp, udp, v4},
    path::{
        Hook::{self, *},
        worlds, worlds_where,
    },
    table::{becomes, run, run_in_both_families, stays},
};

/// Another address, port or protocol than those of a layer 4 frontend.
#[test]
fn traffic_for_others_passes() {
    let elsewhere = tcp(CLIENT, (v4(203, 0, 113, 1), 81), SYN);
    let datagram = udp(CLIENT, SAME);
    let proxied = tcp(CLIENT, PROXY, SYN);
    run_in_both_families(&[
        stays("other port", Ingress, &elsewhere, &[PassNotOurs]),
        stays("wrong protocol", Ingress, &datagram, &[PassNotOurs]),
        stays("proxy", Ingress, &proxied, &[PassProxy]),
        stays("no reply of ours", Egress, &elsewhere, &[PassNoFlow]),
    ]);
}

/// User space knows of no endpoint there, so that nobody looks.
#[test]
fn replies_from_elsewhere_are_not_looked_up() {
    for mut world in worlds_where(|config| config.origins.clear()) {
        let request = tcp(CLIENT, ONE, SYN);
        let seen = tcp(CLIENT, BACKENDS[0], SYN);
        let opened = [Forwarded, Opened];
        becomes("request", Ingress, &request, &opened, &seen).check_in(&mut world);
        let reply = tcp(BACKENDS[0], CLIENT, SYN | ACK);
        stays("reply", Egress, &reply, &[PassNoFlow]).check_in(&mut world);
    }
}

/// Name, hook, where bytes of a frame of ours are replaced, by which, and what that counts as.
type Change = (&'static str, Hook, usize, &'static [u8], &'static [Counter]);

const HEADERS: [Change; 12] = [
    ("no IPv6", Ingress, 12, &[0x86, 0xdd], &[PassMalformed]),
    ("ARP out", Egress, 12, &[0x08, 0x06], &[PassNotIp]),
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

/// As [`HEADERS`], in IPv6.
const HEADERS_V6: [Change; 12] = [
    ("no IPv4", Ingress, 12, &[0x08, 0x00], &[PassMalformed]),
    ("other protocol", Ingress, 20, &[132], &[PassProtocol]),
    ("no next header", Ingress, 20, &[59], &[PassProtocol]),
    ("hop by hop", Ingress, 20, &[0], &[PassOptions]),
    ("routing", Ingress, 20, &[43], &[PassOptions]),
    ("destination", Egress, 20, &[60], &[PassOptions]),
    ("fragment", Ingress, 20, &[44], &[PassFragment]),
    ("fragment out", Egress, 20, &[44], &[PassFragment]),
    ("version 4 in IPv6", Ingress, 14, &[0x45], &[PassMalformed]),
    ("too long", Ingress, 18, &[1, 0], &[PassMalformed]),
    ("too short", Ingress, 18, &[0, 19], &[PassMalformed]),
    (
        "the IPv4 address of a listener, mapped",
        Ingress,
        38,
        &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 1],
        &[PassMalformed],
    ),
];

#[test]
fn headers_of_ipv6_that_we_do_not_touch_pass() {
    for mut world in worlds() {
        for (name, hook, at, bytes, counters) in HEADERS_V6 {
            let mut frame = tcp(CLIENT, ONE, SYN).within(Family::V6).frame();
            frame[at..at + bytes.len()].copy_from_slice(bytes);
            stays(name, hook, frame, counters).check_in(&mut world);
        }
    }
}

/// Every cut of a frame is left alone; frames without an Ethernet header never reach a program.
#[test]
fn cut_frames_pass_untouched() {
    for spec in [tcp(CLIENT, ONE, SYN), udp(CLIENT, ONE)] {
        for mut world in worlds() {
            let frame = spec.within(world.family).frame();
            for cut in 14..frame.len() {
                let cut = frame[..cut].to_vec();
                stays("cut", Ingress, cut, &[PassMalformed]).check_in(&mut world);
            }
        }
    }
}

/// Cut replies. The kernel refuses test runs on IP frames without a whole IP header; that part
/// of the parser is shared with the requests above.
#[test]
fn cut_replies_pass_untouched() {
    for (open, reply, header) in [
        (tcp(CLIENT, ONE, SYN), tcp(BACKENDS[0], CLIENT, ACK), 20),
        (udp(CLIENT, ONE), udp(BACKENDS[0], CLIENT), 8),
    ] {
        let opened = &[Forwarded, Opened];
        let open = becomes("open", Ingress, &open, opened, &open.to(BACKENDS[0]));
        for mut world in worlds() {
            open.check_in(&mut world);
            let frame = reply.within(world.family).frame();
            let ip = if world.family == Family::V4 { 34 } else { 54 };
            for cut in ip..ip + header {
                let cut = frame[..cut].to_vec();
                stays("cut", Egress, cut, &[PassMalformed]).check_in(&mut world);
            }
        }
    }
}
