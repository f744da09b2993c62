//! The backend: asked, told the hello, spliced, and how it ends.

use super::*;
use crate::splice::state::{CONNECT, REPLAY};

#[test]
fn the_backend_gets_the_hello_as_it_takes_it() {
    for family in [4, 6] {
        let mut bench = Bench::new(family);
        let whole = hello(Some("a.example"), 3000, 16_000);
        bench.begin();
        bench.client(&bench.says(ACK, 0, &whole[..1400]));
        bench.client(&bench.says(ACK, 1400, &whole[1400..2800]));
        let (outcome, _) = bench.client(&bench.says(ACK, 2800, &whole[2800..]));
        assert_eq!(outcome, Outcome::Asked);
        let (_, piece) = bench.backend(&bench.accepts());
        // MSS 1380 with time stamps.
        let expected = Segment {
            sequence: CLIENT_ISN.wrapping_add(1),
            acknowledged: BACKEND_ISN.wrapping_add(1),
            window: 500,
            stamps: Some((CLIENT_STAMP + 10, BACKEND_STAMP)),
            data: whole[..1368].to_vec(),
            ..Segment::new(bench.client, bench.backends[0], ACK)
        };
        assert_eq!(piece, Some(expected));
        // What advances nothing becomes nothing.
        let (outcome, _) = bench.backend(&bench.replies(ACK, 0, 0, &[]));
        assert_eq!(outcome, Outcome::Idle);
        // Nor does what was never sent: of a connection before.
        let (outcome, _) = bench.backend(&bench.replies(ACK, 0, 1369, &[]));
        assert_eq!(outcome, Outcome::Idle);
        // A window of 1 << 9 bytes.
        let mut ack = bench.replies(ACK, 0, 1368, &[]);
        ack.window = 1;
        let (_, piece) = bench.backend(&ack);
        assert_eq!(piece.unwrap().data, whole[1368..1880]);
        ack.acknowledged = ack.acknowledged.wrapping_add(512);
        ack.window = 0;
        assert_eq!(bench.backend(&ack).0, Outcome::Idle);
        // The client asks: one byte, for a window that was opened and lost.
        bench.world.now += 200;
        let (_, piece) = bench.client(&bench.says(ACK, 0, &whole[..1400]));
        assert_eq!(piece.unwrap().data, whole[1880..1881]);
        // It opens.
        ack.window = 100;
        let (_, piece) = bench.backend(&ack);
        let piece = piece.unwrap();
        assert_eq!((&piece.data[..], piece.flags), (&whole[1880..], ACK | PSH));
    }
}

#[test]
fn an_established_connection_is_translated_both_ways() {
    for family in [4, 6] {
        let mut bench = Bench::new(family);
        let bytes = bench.establish();
        let delta = bench.cookie.wrapping_sub(BACKEND_ISN);
        for shift in [0, 1, 2, 3] {
            let mut reply = bench.replies(ACK | PSH | URG, 100, bytes, b"data");
            (reply.shift, reply.sacks, reply.urgent) = (shift, vec![(1, 2)], 3);
            let (outcome, out) = bench.backend(&reply);
            assert_eq!(outcome, Outcome::ToClient);
            let told = bench.told.wrapping_add(1);
            let expected = Segment {
                source: bench.gateway,
                sequence: reply.sequence.wrapping_add(delta),
                // 1000 << 9 as the client reads it.
                window: 4000,
                stamps: Some((told, CLIENT_STAMP + 10)),
                ..reply.clone()
            };
            assert_eq!(out, Some(expected));
            let mut says = bench.says(ACK | URG, bytes, b"more");
            (says.shift, says.urgent) = (shift, 2);
            says.acknowledged = says.acknowledged.wrapping_add(50);
            says.stamps = Some((9, told));
            let sack = (bench.cookie.wrapping_add(60), bench.cookie.wrapping_add(70));
            says.sacks = vec![sack];
            let (outcome, out) = bench.client(&says);
            assert_eq!(outcome, Outcome::ToBackend);
            let expected = Segment {
                destination: bench.backends[0],
                acknowledged: BACKEND_ISN.wrapping_add(51),
                stamps: Some((9, BACKEND_STAMP + 1)),
                sacks: vec![(BACKEND_ISN.wrapping_add(60), BACKEND_ISN.wrapping_add(70))],
                ..says
            };
            assert_eq!(out, Some(expected));
        }
    }
}

#[test]
fn windows_fit_their_field_and_open_ones_stay_open() {
    let mut bench = Bench::new(4);
    let bytes = bench.establish();
    for (window, expected) in [(0, 0), (1, 4), (u16::MAX, u16::MAX)] {
        let mut reply = bench.replies(ACK, 0, bytes, &[]);
        reply.window = window;
        assert_eq!(bench.backend(&reply).1.unwrap().window, expected);
    }
    let mut bench = Bench::new(4);
    bench.ask(&hello(Some("a.example"), 300, 16_000));
    // A backend that shifts nothing.
    let accepts = Segment {
        scale: None,
        ..bench.accepts()
    };
    bench.backend(&accepts);
    bench.backend(&bench.replies(ACK, 0, bytes, &[]));
    for (window, expected) in [(0, 0), (1, 1), (128, 1), (u16::MAX, 511)] {
        let mut reply = bench.replies(ACK, 0, bytes, &[]);
        reply.window = window;
        assert_eq!(bench.backend(&reply).1.unwrap().window, expected);
    }
    for (window, expected) in [(0, 0), (1, 256), (255, 65_280), (256, u16::MAX)] {
        let mut says = bench.says(ACK, bytes, &[]);
        says.window = window;
        assert_eq!(bench.client(&says).1.unwrap().window, expected);
    }
}

#[test]
fn a_silent_backend_is_asked_again_then_the_next_one() {
    let mut bench = Bench::new(4);
    let whole = hello(Some("a.example"), 300, 16_000);
    let first = bench.ask(&whole);
    let again = bench.says(ACK, 0, &whole);
    assert_eq!(bench.client(&again).0, Outcome::Repeated);
    for backend in [0, 0, 1, 1, 1] {
        bench.world.now += 200;
        let (outcome, asked) = bench.client(&again);
        assert_eq!(outcome, Outcome::Asked);
        let destination = bench.backends[backend];
        assert_eq!(
            asked,
            Some(Segment {
                destination,
                ..first.clone()
            })
        );
    }
    // The first one is too late.
    let late = bench.accepts();
    let (outcome, out) = bench.backend(&late);
    assert_eq!((outcome, out.unwrap().flags), (Outcome::NotOurs, SYN | ACK));
    bench.world.now += 200;
    let (outcome, out) = bench.client(&again);
    assert_eq!((outcome, out.unwrap().flags), (Outcome::Refused, RST | ACK));
    assert!(bench.world.splices.is_empty() && bench.world.ties.is_empty());
}

#[test]
fn a_backend_that_refuses_gives_way_to_the_next() {
    let mut bench = Bench::new(6);
    let whole = hello(Some("a.example"), 3000, 16_000);
    bench.begin();
    bench.client(&bench.says(ACK, 0, &whole[..1400]));
    bench.client(&bench.says(ACK, 1400, &whole[1400..2800]));
    bench.client(&bench.says(ACK, 2800, &whole[2800..]));
    let mut refusal = bench.replies(RST | ACK, 0, 1, &[]);
    // Not for this SYN.
    assert_eq!(bench.backend(&refusal).0, Outcome::Idle);
    refusal.acknowledged = CLIENT_ISN.wrapping_add(1);
    let (outcome, asked) = bench.backend(&refusal);
    assert_eq!(
        (outcome, asked.unwrap().destination),
        (Outcome::Asked, bench.backends[1])
    );
    // The second one takes some of the hello first.
    let mut accepts = bench.accepts();
    accepts.source = bench.backends[1];
    assert_eq!(bench.backend(&accepts).0, Outcome::Replayed);
    let mut refusal = bench.replies(RST, 0, 0, &[]);
    refusal.source = bench.backends[1];
    let (outcome, out) = bench.backend(&refusal);
    assert_eq!(outcome, Outcome::Failed);
    let expected = Segment {
        sequence: bench.cookie.wrapping_add(1),
        acknowledged: CLIENT_ISN.wrapping_add(1),
        ..Segment::new(bench.gateway, bench.client, RST | ACK)
    };
    assert_eq!(out, Some(expected));
    assert!(bench.world.splices.is_empty() && bench.world.ties.is_empty());
}

#[test]
fn an_endpoint_that_another_client_is_tied_to_is_passed_over() {
    let mut bench = Bench::new(4);
    bench.establish();
    // The same client at another port of the gateway would be the same to the backend.
    let tie = *bench.world.ties.keys().next().unwrap();
    let splice = bench.splice();
    bench.world.splices.clear();
    let other = key_of(bench.client, address(4, 1, 444));
    bench.world.splices.insert(other, splice);
    bench.world.ties.insert(tie, other);
    let asked = bench.ask(&hello(Some("a.example"), 300, 16_000));
    assert_eq!(asked.destination, bench.backends[1]);
    assert_eq!(bench.world.ties[&tie], other);
}

#[test]
fn a_backend_that_remembers_another_connection_is_made_to_forget() {
    let mut bench = Bench::new(4);
    bench.ask(&hello(Some("a.example"), 300, 16_000));
    let challenge = bench.replies(ACK, 999, 999, &[]);
    let (outcome, out) = bench.backend(&challenge);
    assert_eq!(outcome, Outcome::Orphan);
    let expected = Segment {
        sequence: challenge.acknowledged,
        ..Segment::new(bench.client, bench.backends[0], RST)
    };
    assert_eq!(out, Some(expected));
    assert_eq!(bench.splice().phase, CONNECT);
}

#[test]
fn a_repeated_syn_ack_gets_the_piece_again() {
    let mut bench = Bench::new(4);
    bench.ask(&hello(Some("a.example"), 300, 16_000));
    let (_, first) = bench.backend(&bench.accepts());
    let (outcome, again) = bench.backend(&bench.accepts());
    assert_eq!((outcome, again), (Outcome::Replayed, first));
    assert_eq!(bench.splice().phase, REPLAY);
}

/// A backend that talks before it has the hello: the client hears it, and what it acknowledges goes to
/// the backend with the next piece, at once.
#[test]
fn a_backend_may_talk_first() {
    let mut bench = Bench::new(6);
    let whole = hello(Some("a.example"), 1000, 16_000);
    bench.ask(&whole);
    let accepts = Segment {
        mss: Some(536),
        ..bench.accepts()
    };
    let (_, piece) = bench.backend(&accepts);
    assert_eq!(piece.unwrap().data, whole[..524]);
    let (outcome, out) = bench.backend(&bench.replies(ACK, 0, 524, b"220 ready"));
    assert_eq!(outcome, Outcome::ToClient);
    let out = out.unwrap();
    assert_eq!(out.sequence, bench.cookie.wrapping_add(1));
    assert_eq!(out.acknowledged, CLIENT_ISN.wrapping_add(525));
    let mut heard = bench.says(ACK, 524, &[]);
    heard.acknowledged = heard.acknowledged.wrapping_add(9);
    heard.stamps = Some((CLIENT_STAMP + 60, bench.told));
    let (outcome, piece) = bench.client(&heard);
    assert_eq!(outcome, Outcome::Replayed);
    let piece = piece.unwrap();
    assert_eq!(piece.acknowledged, BACKEND_ISN.wrapping_add(10));
    assert_eq!(piece.data, whole[524..]);
    assert_eq!(piece.stamps, Some((CLIENT_STAMP + 60, BACKEND_STAMP + 1)));
    // An old copy, when the client sends again, takes neither back.
    bench.world.now += 200;
    let (_, again) = bench.client(&bench.says(ACK, 0, &whole));
    assert_eq!(again, Some(piece));
    // Now no other may take its place.
    let reset = bench.replies(RST, 9, 0, &[]);
    let (outcome, out) = bench.backend(&reset);
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(out.unwrap().sequence, bench.cookie.wrapping_add(10));
    // Should that be lost, the client is told again, until it gives up or begins anew.
    let (outcome, out) = bench.client(&bench.says(ACK, 524, b"x"));
    assert_eq!((outcome, out.unwrap().flags), (Outcome::Refused, RST | ACK));
    assert_eq!(bench.client(&bench.says(RST, 524, &[])).0, Outcome::GivenUp);
    assert!(bench.world.splices.is_empty() && bench.world.ties.is_empty());
}

#[test]
fn a_client_that_gives_up_takes_the_backend_along() {
    let mut bench = Bench::new(4);
    let whole = hello(Some("a.example"), 300, 16_000);
    bench.ask(&whole);
    bench.backend(&bench.accepts());
    let (outcome, out) = bench.client(&bench.says(RST, 50, &[]));
    assert_eq!(outcome, Outcome::GivenUpToBackend);
    // The number that the backend waits for.
    let expected = Segment {
        sequence: CLIENT_ISN.wrapping_add(1),
        ..Segment::new(bench.client, bench.backends[0], RST)
    };
    assert_eq!(out, Some(expected));
    assert!(bench.world.splices.is_empty() && bench.world.ties.is_empty());
}

#[test]
fn ends_are_noted_and_another_connection_takes_the_place() {
    let mut bench = Bench::new(4);
    let bytes = bench.establish();
    let syn = Segment {
        sequence: 5,
        ..bench.syn()
    };
    bench.client(&bench.says(ACK | FIN, bytes, &[]));
    assert!(!bench.splice().closing());
    // A SYN on a connection that seems to live: the backend is asked by an old number.
    let (outcome, out) = bench.client(&syn);
    let expected = Segment {
        sequence: CLIENT_ISN.wrapping_add(bytes),
        acknowledged: BACKEND_ISN.wrapping_add(1),
        window: 1,
        stamps: Some((CLIENT_STAMP + 10, BACKEND_STAMP + 1)),
        ..Segment::new(bench.client, bench.backends[0], ACK)
    };
    assert_eq!((outcome, out), (Outcome::Doubted, Some(expected)));
    bench.backend(&bench.replies(ACK | FIN, 0, bytes + 1, &[]));
    assert!(bench.splice().closing());
    // An old copy of its own SYN ends nothing.
    let old = bench.syn();
    assert_eq!(bench.client(&old).0, Outcome::Repeated);
    assert_eq!(bench.client(&syn).0, Outcome::Accepted);
    assert!(bench.world.splices.is_empty() && bench.world.ties.is_empty());
}

#[test]
fn a_reset_counts_unless_the_other_end_goes_on() {
    let mut bench = Bench::new(4);
    let bytes = bench.establish();
    let (outcome, _) = bench.client(&bench.says(RST, bytes, &[]));
    assert_eq!(outcome, Outcome::ToBackend);
    assert!(bench.splice().closing());
    bench.backend(&bench.replies(ACK, 0, bytes, b"x"));
    assert!(!bench.splice().closing());
    bench.backend(&bench.replies(RST | ACK, 1, bytes, &[]));
    assert!(bench.splice().closing());
    // It is kept for a while, then forgotten.
    bench.world.now += 29_000;
    bench.world.collect();
    assert_eq!(bench.world.splices.len(), 1);
    bench.world.now += 2_000;
    bench.world.collect();
    assert!(bench.world.splices.is_empty() && bench.world.ties.is_empty());
}

#[test]
fn idle_connections_are_kept_for_hours() {
    let mut bench = Bench::new(4);
    bench.establish();
    bench.world.now += 7_400_000;
    bench.world.collect();
    assert_eq!(bench.world.splices.len(), 1);
    bench.world.now += 50_000;
    bench.world.collect();
    assert!(bench.world.splices.is_empty() && bench.world.ties.is_empty());
}

/// While the hello is on its way, it is the client that keeps the entry; or that the hello advances.
#[test]
fn a_backend_alone_keeps_no_entry() {
    let mut bench = Bench::new(4);
    bench.ask(&hello(Some("a.example"), 1900, 16_000));
    bench.backend(&bench.accepts());
    let left = |bench: &mut Bench, seconds: u64| {
        bench.world.now += seconds * 1000;
        bench.world.collect();
        bench.world.splices.len()
    };
    assert_eq!(left(&mut bench, 100), 1);
    bench.backend(&bench.replies(ACK, 0, 1368, &[]));
    assert_eq!(left(&mut bench, 100), 1);
    bench.backend(&bench.replies(ACK, 0, 1368, &[]));
    assert_eq!(left(&mut bench, 21), 0);
    assert!(bench.world.ties.is_empty() && bench.world.hellos.is_empty());
}

#[test]
fn a_refusal_is_repeated_for_a_while() {
    let mut bench = Bench::new(4);
    bench.begin();
    let first = bench.says(ACK, 0, b"\x16\x03\x01\x02");
    bench.client(&first);
    assert_eq!(bench.client(&first).0, Outcome::Acknowledged);
    bench.world.now += 40_000;
    for (wait, left, expected) in [
        (0, 1, Outcome::Unmatched),
        (29, 1, Outcome::Refused),
        (2, 0, Outcome::Refused),
    ] {
        let (outcome, out) = bench.client(&bench.says(ACK, 4, b"\0\x02\0"));
        assert_eq!((outcome, out.unwrap().flags), (expected, RST | ACK));
        bench.world.now += wait * 1000;
        bench.world.collect();
        assert_eq!(bench.world.splices.len(), left);
    }
}
