//! What looks like a packet of another gateway and is not: left alone, as it is.

use super::*;
use crate::fixture::{EMPTY, PROXY};

const ALONE: &[Counter] = &[PassProtocol];

/// Not one byte of another's tunnel changes.
#[test]
fn tunnels_of_others_stay() {
    let syn = tcp(CLIENT, TWO, SYN);
    let stranger = v4(192, 0, 2, 99);
    let forged = Nested {
        source: Some(stranger),
        ..here(&syn, 1)
    };
    let mixed = Nested {
        protocol: Some(47),
        ..here(&syn, 1)
    };
    let twice = nested(here(&syn, 1), NODE.0, TAGS[0]);
    let ping = ping(CLIENT.0, TWO.0, b"?");
    run_in_both_families(&[
        stays(
            "for another node",
            Ingress,
            nested(&syn, stranger, TAGS[0]),
            ALONE,
        ),
        stays("another source inside", Ingress, forged, ALONE),
        stays("GRE", Ingress, mixed, ALONE),
        stays("a tunnel inside", Ingress, twice, ALONE),
        stays(
            "to no frontend",
            Ingress,
            here(&tcp(CLIENT, (TWO.0, 99), SYN), 1),
            ALONE,
        ),
        stays(
            "to the proxy",
            Ingress,
            here(&tcp(CLIENT, PROXY, SYN), 1),
            ALONE,
        ),
        stays(
            "to a backend",
            Ingress,
            here(&tcp(CLIENT, BACKENDS[1], SYN), 1),
            ALONE,
        ),
        stays(
            "a reply",
            Ingress,
            here(&tcp(BACKENDS[1], CLIENT, ACK), 1),
            ALONE,
        ),
        stays("ping", Ingress, here(&ping, 1), ALONE),
        stays("behind XDP", Answer, here(&syn, 1), &[]),
        stays("leaving", Egress, here(&syn, 1), ALONE),
    ]);
}

/// Without a backend here there is nothing to open, and no flow is left behind.
#[test]
fn frontends_without_a_backend_on_this_node_get_nothing() {
    let drop: &[Counter] = &[DropNotHere, Decapsulated];
    for mut world in worlds() {
        let syn = nested(&tcp(CLIENT, EMPTY, SYN), NODE.0, 7);
        stays("empty", Ingress, syn, drop).check_in(&mut world);
        assert_eq!(world.path.flows(), []);
    }
}

/// Whatever is cut off, and wherever: what is not whole stays. Ethernet pads short frames, so that
/// more bytes than the outer header says are no fault.
#[test]
fn cut_packets_stay() {
    for inner in [tcp(CLIENT, TWO, SYN), udp(CLIENT, TWO)] {
        for mut world in worlds() {
            let whole = here(&inner, 1).frame(world.family);
            for length in 14..whole.len() {
                let mut frame = whole[..length].to_vec();
                world.path.run(Ingress, &mut frame);
                assert_eq!(frame, whole[..length], "{length} on {}", world.path.name());
            }
            assert_eq!(world.path.flows(), []);
            let mut padded = [&whole[..], &[0; 6]].concat();
            world.path.run(Ingress, &mut padded);
            assert_eq!(world.path.flows().len(), 2, "{}", world.path.name());
        }
    }
}

/// Lengths that do not fit each other, fragments and options, outside and inside.
#[test]
fn absurd_headers_stay() {
    let syn = tcp(CLIENT, TWO, SYN);
    for mut world in worlds() {
        let header = match world.family {
            Family::V4 => 20,
            Family::V6 => 40,
        };
        let whole = here(&syn, 1).frame(world.family);
        let edits: &[(&str, usize, &[u8])] = match world.family {
            Family::V4 => &[
                ("outer options", 0, &[0x46]),
                ("outer version", 0, &[0x65]),
                ("outer fragment", 6, &[0x20, 0]),
                ("outer offset", 6, &[0, 1]),
                ("outer length", 2, &[0xff, 0xff]),
                ("no outer payload", 2, &[0, 20]),
                ("inner options", 20, &[0x46]),
                ("inner version", 20, &[0x65]),
                ("inner fragment", 26, &[0x20, 0]),
                ("inner length above", 22, &[0, 46]),
                ("inner length below", 22, &[0, 19]),
                ("inner without TCP", 22, &[0, 39]),
                ("inner protocol", 29, &[132]),
            ],
            Family::V6 => &[
                ("outer version", 0, &[0x40]),
                ("outer fragment", 6, &[44]),
                ("outer length", 4, &[0xff, 0xff]),
                ("no outer payload", 4, &[0, 0]),
                ("inner version", 40, &[0x40]),
                ("inner fragment", 46, &[44]),
                ("inner options", 46, &[60]),
                ("inner length above", 44, &[0, 26]),
                ("inner without TCP", 44, &[0, 19]),
                ("inner protocol", 46, &[132]),
            ],
        };
        for (name, at, bytes) in edits {
            let mut frame = whole.clone();
            frame[14 + at..14 + at + bytes.len()].copy_from_slice(bytes);
            let before = frame.clone();
            world.path.run(Ingress, &mut frame);
            let place = format!("{name}, {:?} on {}", world.family, world.path.name());
            assert_eq!(frame, before, "{place}");
            assert_eq!(world.path.flows(), [], "{place}");
        }
        assert_eq!(whole.len(), 14 + 2 * header + 25);
    }
}

/// More entries of the flow table than there is room for: dropped, not half served.
#[test]
fn a_taken_reverse_drops() {
    let (other, syn) = (tcp(CLIENT, ONE, SYN), tcp(CLIENT, TWO, SYN));
    for mut world in worlds() {
        becomes(
            "first",
            Ingress,
            &other,
            &[Forwarded, Opened],
            &other.to(BACKENDS[0]),
        )
        .check_in(&mut world);
        // The same backend behind the other frontend, for the same client port.
        let mut same = crate::fixture::backend(world.family.of(BACKENDS[0]));
        same.service = 2;
        world.path.put_backend(2, &same);
        let drop: &[Counter] = &[DropReverseTaken, Decapsulated];
        stays("second", Ingress, here(&syn, 1), drop).check_in(&mut world);
    }
}
