//! The hello: cut, reordered, repeated, and what is none.

use super::*;
use crate::splice::{Found, Splices as _};

const ANSWERED: u32 = CLIENT_ISN.wrapping_add(1);

/// What a client says at an offset, and what comes of it.
fn collected(bench: &mut Bench, offset: u32, data: &[u8], expected: Outcome) -> Option<Segment> {
    let (outcome, out) = bench.client(&bench.says(ACK, offset, data));
    assert_eq!(outcome, expected, "{offset}");
    out
}

fn opened() -> Bench {
    let mut bench = Bench::new(4);
    bench.begin();
    bench
}

/// The SYN that a complete hello becomes: with the client's own number and options, to the backend,
/// from the client.
#[test]
fn a_complete_hello_becomes_the_backends_syn() {
    for family in [4, 6] {
        let mut bench = Bench::new(family);
        let asked = bench.ask(&hello(Some("A.Example"), 1000, 16_000));
        let expected = Segment {
            sequence: CLIENT_ISN,
            window: u16::MAX,
            // Of the client, but no more than the way back carries.
            mss: Some(1380),
            scale: Some(8),
            sack: true,
            stamps: Some((CLIENT_STAMP + 10, 0)),
            ..Segment::new(bench.client, bench.backends[0], SYN)
        };
        assert_eq!(asked, expected);
        assert_eq!(bench.world.found, [Found::Name]);
        assert_eq!(bench.splice().name, bench.world.id("a.example"));
    }
}

#[test]
fn a_node_address_may_stand_for_the_client() {
    let mut bench = Bench::new(6);
    let node = address(6, 5, 1234);
    bench.world.endpoints[0].source = node.ip().into();
    bench.world.endpoints[0].source_port = 1234;
    let asked = bench.ask(&hello(Some("a.example"), 300, 16_000));
    assert_eq!((asked.source, asked.destination), (node, bench.backends[0]));
    let mut accepts = bench.accepts();
    accepts.destination = node;
    let (outcome, piece) = bench.backend(&accepts);
    assert_eq!(outcome, Outcome::Replayed);
    assert_eq!(piece.unwrap().source, node);
    let mut ack = bench.replies(ACK, 0, 400, &[]);
    ack.destination = node;
    let filled = u32::try_from(hello(Some("a.example"), 300, 16_000).len()).unwrap();
    ack.acknowledged = ANSWERED.wrapping_add(filled);
    let (outcome, out) = bench.backend(&ack);
    assert_eq!(outcome, Outcome::ToClient);
    let out = out.unwrap();
    assert_eq!((out.source, out.destination), (bench.gateway, bench.client));
    let (outcome, out) = bench.client(&bench.says(ACK, filled, b"x"));
    assert_eq!(outcome, Outcome::ToBackend);
    let out = out.unwrap();
    assert_eq!((out.source, out.destination), (node, bench.backends[0]));
}

#[test]
fn segments_come_in_any_order() {
    let whole = hello(Some("a.example"), 3000, 700);
    let mut bench = opened();
    collected(&mut bench, 0, &whole[..1000], Outcome::Collected);
    collected(&mut bench, 2500, &whole[2500..], Outcome::Collected);
    // Apart from both: sent again later.
    collected(&mut bench, 1500, &whole[1500..1600], Outcome::Collected);
    assert_eq!(bench.world.hellos.values().next().unwrap().beyond, 2500);
    collected(&mut bench, 1800, &whole[1800..2600], Outcome::Collected);
    collected(&mut bench, 900, &whole[900..1800], Outcome::Asked);
    let kept = bench.world.hellos.values().next().unwrap();
    assert_eq!(kept.bytes[..whole.len()], whole);
}

/// The client sends again what found none.
#[test]
fn a_hello_that_grows_waits_for_room() {
    let whole = hello(Some("a.example"), 3000, 16_000);
    let mut bench = opened();
    bench.world.room = Some(2000);
    collected(&mut bench, 0, &whole[..1500], Outcome::Collected);
    collected(&mut bench, 1500, &whole[1500..], Outcome::NoRoom);
    assert!(bench.world.is_full());
    bench.world.room = None;
    collected(&mut bench, 1500, &whole[1500..], Outcome::Asked);
}

/// Else a backend could be chosen by one name, and be sent another.
#[test]
fn what_was_read_is_not_replaced() {
    let whole = hello(Some("a.example"), 1000, 16_000);
    let mut bench = opened();
    collected(&mut bench, 0, &whole[..600], Outcome::Collected);
    let other = vec![0; 700];
    collected(
        &mut bench,
        0,
        &[&other[..600], &whole[600..]].concat(),
        Outcome::Asked,
    );
    let kept = bench.world.hellos.values().next().unwrap();
    assert_eq!(kept.bytes[..whole.len()], whole);
}

#[test]
fn old_bytes_alone_are_acknowledged_until_the_hello_is_complete() {
    let whole = hello(Some("a.example"), 3000, 16_000);
    let mut bench = opened();
    collected(&mut bench, 0, &whole[..1000], Outcome::Collected);
    let answer = collected(&mut bench, 0, &whole[..1000], Outcome::Acknowledged).unwrap();
    let expected = Segment {
        sequence: bench.cookie.wrapping_add(1),
        acknowledged: ANSWERED.wrapping_add(1000),
        window: (17 * 1024_u16 - 1000) >> 7,
        stamps: Some((bench.told, CLIENT_STAMP + 10)),
        ..Segment::new(bench.gateway, bench.client, ACK)
    };
    assert_eq!(answer, expected);
    // A keep-alive behind that.
    collected(&mut bench, 999, &[], Outcome::Acknowledged);
    collected(&mut bench, 1000, &[], Outcome::Repeated);
    collected(&mut bench, 1000, &whole[1000..], Outcome::Asked);
    collected(&mut bench, 1000, &whole[1000..], Outcome::Repeated);
}

#[test]
fn what_is_no_hello_is_refused_or_left_to_the_node() {
    let long = hello(Some("a.example"), 16_000, 3);
    let cases: [(Vec<u8>, Found); 4] = [
        (b"GET / HTTP/1.1".to_vec(), Found::NotTls),
        (hello(None, 300, 16_000), Found::NoName),
        (hello(Some("a..example"), 300, 16_000), Found::Malformed),
        (long[..2000].to_vec(), Found::TooLong),
    ];
    for (data, found) in cases {
        for other in [Choice::Refuse, Choice::Local] {
            let mut bench = opened();
            bench.world.other = other;
            if found == Found::TooLong {
                let mut offset = 0;
                for segment in long.chunks(2000).take(8) {
                    collected(&mut bench, offset, segment, Outcome::Collected);
                    offset += 2000;
                }
                let rest = &long[16_000..17_500];
                let expected = match other {
                    Choice::Refuse => Outcome::Unmatched,
                    _ => Outcome::AskedProxy,
                };
                collected(&mut bench, 16_000, rest, expected);
                assert_eq!(bench.world.found, [found]);
                continue;
            }
            let segment = bench.says(ACK | PSH, 0, &data);
            let (outcome, out) = bench.client(&segment);
            assert_eq!(bench.world.found, [found]);
            match other {
                Choice::Refuse => {
                    assert_eq!(outcome, Outcome::Unmatched);
                    let out = out.unwrap();
                    assert_eq!(out.flags, RST | ACK);
                    assert_eq!(out.sequence, bench.cookie.wrapping_add(1));
                }
                _ => {
                    assert_eq!(outcome, Outcome::AskedProxy);
                    assert_eq!(out.unwrap().destination, bench.gateway);
                    continue;
                }
            }
            assert!(bench.world.splices.is_empty() && bench.world.hellos.is_empty());
        }
    }
}

#[test]
fn a_client_that_gives_up_is_forgotten() {
    let whole = hello(Some("a.example"), 1000, 16_000);
    let mut bench = opened();
    collected(&mut bench, 0, &whole[..600], Outcome::Collected);
    // Far away: not the client's.
    let forged = bench.says(RST, 1 << 20, &[]);
    assert_eq!(bench.client(&forged).0, Outcome::Repeated);
    assert_eq!(bench.client(&bench.says(RST, 600, &[])).0, Outcome::GivenUp);
    assert!(bench.world.splices.is_empty() && bench.world.hellos.is_empty());
    // The end of what will never be a hello.
    collected(&mut bench, 0, &whole[..600], Outcome::Collected);
    let (outcome, out) = bench.client(&bench.says(ACK | FIN, 600, &whole[600..700]));
    assert_eq!(outcome, Outcome::Unused);
    assert_eq!(out.unwrap().acknowledged, ANSWERED.wrapping_add(701));
    assert!(bench.world.splices.is_empty() && bench.world.hellos.is_empty());
}

#[test]
fn a_syn_in_between_is_a_copy_unless_the_client_was_silent() {
    let mut bench = opened();
    collected(&mut bench, 0, b"\x16\x03\x01", Outcome::Collected);
    let syn = bench.syn();
    assert_eq!(bench.client(&syn).0, Outcome::Repeated);
    let other = Segment { sequence: 5, ..syn };
    assert_eq!(bench.client(&other).0, Outcome::Repeated);
    bench.world.now += 3_500;
    assert_eq!(bench.client(&other).0, Outcome::Accepted);
    assert!(bench.world.splices.is_empty() && bench.world.hellos.is_empty());
}

#[test]
fn where_no_tie_can_be_made_there_is_no_backend() {
    let whole = hello(Some("a.example"), 300, 16_000);
    let mut bench = Bench::new(6);
    bench.world.most[3] = 0;
    bench.begin();
    let (outcome, _) = bench.client(&bench.says(ACK, 0, &whole));
    assert_eq!(outcome, Outcome::Refused);
}

#[test]
fn a_hello_that_is_never_complete_is_forgotten() {
    let mut bench = opened();
    let whole = hello(Some("a.example"), 1000, 16_000);
    for offset in 0..59_u32 {
        let byte = &whole[offset as usize..][..1];
        collected(&mut bench, offset, byte, Outcome::Collected);
        bench.world.now += 1_000;
        bench.world.collect();
    }
    assert_eq!(bench.world.splices.len(), 1);
    bench.world.now += 2_000;
    bench.world.collect();
    assert!(bench.world.splices.is_empty() && bench.world.hellos.is_empty());
}

/// Data of a connection that the client has forgotten, late: its new one goes on all the same.
#[test]
fn first_data_with_another_cookie_takes_the_place() {
    let mut bench = opened();
    let whole = hello(Some("a.example"), 300, 16_000);
    let late = bench.says(ACK, 0, &whole[..100]);
    let syn = Segment {
        sequence: 5,
        ..bench.syn()
    };
    bench.open(&syn);
    assert_eq!(bench.client(&late).0, Outcome::Collected);
    let mut new = bench.says(ACK, 0, &whole);
    new.sequence = 6;
    let (outcome, asked) = bench.client(&new);
    assert_eq!((outcome, asked.unwrap().sequence), (Outcome::Asked, 5));
    // Not the other way: what proves nothing changes nothing.
    let mut forged = late;
    forged.acknowledged ^= 1 << 20;
    assert_eq!(bench.client(&forged).0, Outcome::Repeated);
    assert_eq!(bench.splice().initial, 5);
}
