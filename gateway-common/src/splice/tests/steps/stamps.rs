//! Backends without time stamps: what is learned of one, the next clients have the use of.

use super::*;
use crate::{abi::NO_STAMPS, splice::NO_SCALE};

/// The first backend's SYN-ACK, without them.
fn accepts_without(bench: &Bench) -> Segment {
    Segment {
        stamps: None,
        ..bench.accepts()
    }
}

/// As far as the SYN-ACK of a backend that has none, for a client that was promised some.
fn learned(family: u8) -> Bench {
    let mut bench = Bench::new(family);
    bench.ask(&hello(Some("a.example"), 300, 16_000));
    assert_eq!(bench.world.no_stamps, None);
    let accepts = accepts_without(&bench);
    let (outcome, piece) = bench.backend(&accepts);
    assert_eq!((outcome, piece.unwrap().stamps), (Outcome::Replayed, None));
    bench.client.set_port(40_001);
    bench.seen.set_port(40_001);
    bench
}

#[test]
fn clients_are_not_promised_time_stamps_that_a_backend_has_not() {
    for family in [4, 6] {
        let mut bench = learned(family);
        let syn = bench.syn();
        let answer = bench.open(&syn);
        let options = (answer.scale, answer.sack, answer.stamps);
        assert_eq!(options, (Some(7), true, None));
        // The client sends none, and the backend is not asked for any.
        let whole = hello(Some("a.example"), 300, 16_000);
        let bytes = u32::try_from(whole.len()).unwrap();
        let says = |bench: &Bench, offset, data: &[u8]| Segment {
            stamps: None,
            ..bench.says(ACK, offset, data)
        };
        let first = says(&bench, 0, &whole);
        let (outcome, asked) = bench.client(&first);
        assert_eq!(outcome, Outcome::Asked);
        let asked = asked.unwrap();
        let options = (asked.scale, asked.sack, asked.stamps);
        assert_eq!(options, (Some(8), true, None));
        let accepts = accepts_without(&bench);
        let (outcome, piece) = bench.backend(&accepts);
        let piece = piece.unwrap();
        assert_eq!((outcome, piece.stamps), (Outcome::Replayed, None));
        assert_eq!(piece.window, 500);
        let reply = Segment {
            stamps: None,
            ..bench.replies(ACK, 0, bytes, b"data")
        };
        let (outcome, told) = bench.backend(&reply);
        let told = told.unwrap();
        assert_eq!(outcome, Outcome::ToClient);
        assert_eq!((told.stamps, told.window), (None, 4000));
        let more = says(&bench, bytes, b"more");
        assert_eq!(bench.client(&more).1.unwrap().stamps, None);
    }
}

/// What a cookie alone says, as for other clients without time stamps.
#[test]
fn without_room_for_options_such_clients_are_promised_none() {
    let mut bench = learned(4);
    bench.world.most[0] = 0;
    let syn = bench.syn();
    let answer = bench.open(&syn);
    let options = (answer.scale, answer.sack, answer.stamps);
    assert_eq!(options, (None, false, None));
    let first = Segment {
        stamps: None,
        ..bench.says(ACK, 0, &[22])
    };
    assert_eq!(bench.client(&first).0, Outcome::Collected);
    assert_eq!(bench.splice().offer.scale, NO_SCALE);
}

/// A client gets the answer to a SYN before that was learned.
#[test]
fn a_client_that_was_promised_time_stamps_before_keeps_them() {
    let mut bench = learned(6);
    let noted = bench.world.no_stamps.take();
    let syn = bench.syn();
    let answer = bench.open(&syn);
    let told = bench.told;
    bench.world.no_stamps = noted;
    // A copy of the SYN, whose answer comes too late.
    assert_eq!(bench.open(&syn).stamps, None);
    (bench.cookie, bench.told) = (answer.sequence, told);
    let first = bench.says(ACK, 0, &[22]);
    assert_eq!(bench.client(&first).0, Outcome::Collected);
    let offer = bench.splice().offer;
    assert_eq!((offer.has_stamps(), offer.scale), (true, 8));
    assert!(bench.world.half_open.is_empty());
}

#[test]
fn that_a_backend_has_no_time_stamps_is_forgotten_after_a_while() {
    let mut bench = learned(4);
    let syn = bench.syn();
    bench.world.now += u64::from(NO_STAMPS) * 1000 - 1000;
    assert_eq!(bench.open(&syn).stamps, None);
    bench.world.now += 1000;
    assert!(bench.open(&syn).stamps.is_some());
}

#[test]
fn nothing_is_learned_where_either_offers_what_it_is_asked_for() {
    let whole = hello(Some("a.example"), 300, 16_000);
    // A backend that has them.
    let mut bench = Bench::new(4);
    bench.establish();
    assert_eq!(bench.world.no_stamps, None);
    // A client that has none, so that the backend is not asked.
    let mut bench = Bench::new(4);
    let syn = Segment {
        stamps: None,
        ..bench.syn()
    };
    bench.open(&syn);
    let first = Segment {
        stamps: None,
        ..bench.says(ACK, 0, &whole)
    };
    assert_eq!(bench.client(&first).0, Outcome::Asked);
    let accepts = accepts_without(&bench);
    assert_eq!(bench.backend(&accepts).0, Outcome::Replayed);
    assert_eq!(bench.world.no_stamps, None);
}
