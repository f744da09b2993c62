//! Before there is an entry: SYNs, what proves itself, and what does not.

use super::*;

#[test]
fn a_syn_is_answered_without_memory() {
    for family in [4, 6] {
        let mut bench = Bench::new(family);
        let syn = bench.syn();
        // Data of an early sender is not taken, and it gets no cookie.
        let with_data = Segment {
            fast_open: true,
            data: b"early".to_vec(),
            ..syn.clone()
        };
        for syn in [syn, with_data] {
            let answer = bench.open(&syn);
            let expected = Segment {
                sequence: bench.cookie,
                acknowledged: CLIENT_ISN.wrapping_add(1),
                window: 17 * 1024,
                mss: Some(1400),
                scale: Some(7),
                sack: true,
                // Milliseconds, and in their low bits SACK, shift 8.
                stamps: Some((1_000_000 / 64 * 64 - 64 + (1 << 4 | 8), CLIENT_STAMP)),
                ..Segment::new(bench.gateway, bench.client, SYN | ACK)
            };
            assert_eq!(answer, expected);
        }
        assert!(bench.world.splices.is_empty() && bench.world.half_open.is_empty());
    }
}

#[test]
fn what_a_client_does_not_offer_is_not_answered() {
    let mut bench = Bench::new(4);
    let syn = Segment {
        scale: None,
        sack: false,
        ..bench.syn()
    };
    let answer = bench.open(&syn);
    assert_eq!((answer.scale, answer.sack), (None, false));
    assert_eq!(bench.told & 0x3f, 15);
    let syn = Segment {
        stamps: None,
        ..syn
    };
    let answer = bench.open(&syn);
    assert_eq!(
        (answer.scale, answer.sack, answer.stamps),
        (None, false, None)
    );
    assert_eq!(answer.mss, Some(1400));
    assert!(bench.world.half_open.is_empty());
}

#[test]
fn other_listeners_are_not_ours() {
    let mut bench = Bench::new(6);
    let mut syn = bench.syn();
    syn.destination.set_port(80);
    let (outcome, out) = bench.client(&syn);
    assert_eq!(outcome, Outcome::NotOurs);
    assert_eq!(out, Some(syn));
}

#[test]
fn a_bare_acknowledgment_proves_itself_and_leaves_no_memory() {
    let mut bench = Bench::new(4);
    bench.begin();
    assert_eq!(bench.client(&bench.says(ACK, 0, &[])).0, Outcome::Proved);
    let mut wrong = bench.says(ACK, 0, &[]);
    wrong.acknowledged ^= 1 << 20;
    assert_eq!(bench.client(&wrong).0, Outcome::Unproved);
    // A keep-alive of a connection that has said nothing yet.
    let alive = bench.says(ACK, u32::MAX, &[]);
    let (outcome, answer) = bench.client(&alive);
    assert_eq!(outcome, Outcome::Acknowledged);
    let answer = answer.unwrap();
    assert_eq!(answer.sequence, bench.cookie.wrapping_add(1));
    assert_eq!(answer.acknowledged, CLIENT_ISN.wrapping_add(1));
    assert_eq!(answer.window, 17 * 8);
    assert_eq!(answer.stamps, Some((bench.told, CLIENT_STAMP + 10)));
    assert!(bench.world.splices.is_empty());
}

#[test]
fn what_proves_nothing_is_dropped_or_the_nodes_own() {
    let mut bench = Bench::new(4);
    bench.begin();
    // The second segment of a hello, before the first.
    let late = bench.says(ACK, 1000, b"rest");
    let reset = bench.says(RST, 0, &[]);
    for stray in [&late, &reset] {
        assert_eq!(bench.client(stray).0, Outcome::Unproved);
    }
    bench
        .world
        .local
        .insert(key_of(bench.client, bench.gateway));
    for stray in [&late, &reset] {
        assert_eq!(bench.client(stray).0, Outcome::Local);
    }
    bench.world.local.clear();
    // Of a connection of another time, or another node: the node's stack resets it.
    let mut old = late.clone();
    bench.world.now += 28_000;
    assert_eq!(bench.client(&old).0, Outcome::Unproved);
    bench.world.now += 3_000;
    let (outcome, out) = bench.client(&old);
    assert_eq!((outcome, out.as_ref()), (Outcome::Stray, Some(&old)));
    old.data.clear();
    assert_eq!(bench.client(&old).0, Outcome::Stray);
    assert_eq!(bench.client(&reset).0, Outcome::Unproved);
    // Without time stamps: since it was heard of first.
    old.stamps = None;
    for expected in [Outcome::Unproved, Outcome::Unproved, Outcome::Stray] {
        assert_eq!(bench.client(&old).0, expected);
        bench.world.now += 16_000;
    }
    // A cookie is good for three minutes at most.
    bench.world.now += 192_000;
    assert_eq!(bench.client(&bench.says(ACK, 0, b"\x16")).0, Outcome::Stray);
}

#[test]
fn an_end_before_any_data_is_a_reset() {
    for family in [4, 6] {
        let mut bench = Bench::new(family);
        bench.begin();
        let (outcome, answer) = bench.client(&bench.says(ACK | FIN, 0, &[]));
        assert_eq!(outcome, Outcome::Unused);
        let expected = Segment {
            sequence: bench.cookie.wrapping_add(1),
            acknowledged: CLIENT_ISN.wrapping_add(2),
            ..Segment::new(bench.gateway, bench.client, RST | ACK)
        };
        assert_eq!(answer, Some(expected));
        assert!(bench.world.splices.is_empty());
    }
}

#[test]
fn the_first_data_opens_an_entry_with_what_the_cookie_says() {
    let mut bench = Bench::new(4);
    bench.begin();
    assert_eq!(
        bench.client(&bench.says(ACK, 0, b"\x16\x03")).0,
        Outcome::Collected
    );
    let splice = bench.splice();
    assert_eq!(
        (splice.phase, splice.offer.mss, splice.offer.scale),
        (COLLECT, 1460, 8)
    );
    assert!(splice.offer.has_sack() && splice.offer.has_stamps());
    assert_eq!(splice.window_client, 500 << 8);
}

#[test]
fn what_a_client_without_time_stamps_offers_is_kept_while_there_is_room() {
    let mut bench = Bench::new(6);
    let syn = Segment {
        stamps: None,
        ..bench.syn()
    };
    let answer = bench.open(&syn);
    let options = (answer.scale, answer.sack, answer.stamps);
    assert_eq!(options, (Some(7), true, None));
    // A keep-alive is answered with the window that the client was promised.
    let plain = |bench: &Bench, offset, data: &[u8]| Segment {
        stamps: None,
        ..bench.says(ACK, offset, data)
    };
    let alive = plain(&bench, u32::MAX, &[]);
    assert_eq!(bench.client(&alive).1.unwrap().window, 17 * 8);
    let first = plain(&bench, 0, &[22]);
    assert_eq!(bench.client(&first).0, Outcome::Collected);
    let splice = bench.splice();
    assert_eq!((splice.offer.mss, splice.offer.scale), (1460, 8));
    assert!(splice.offer.has_sack() && !splice.offer.has_stamps());
    assert!(bench.world.half_open.is_empty());
    // No room: the cookie alone, and nothing that it does not say.
    let mut bench = Bench::new(6);
    bench.world.most[0] = 0;
    let answer = bench.open(&syn);
    assert_eq!((answer.scale, answer.sack), (None, false));
    let first = plain(&bench, 0, &[22]);
    assert_eq!(bench.client(&first).0, Outcome::Collected);
    let splice = bench.splice();
    assert_eq!((splice.offer.mss, splice.offer.has_scale()), (1460, false));
    assert_eq!(splice.window_client, 500);
}

/// A connection that was promised something is reset; those that come are not promised anything.
#[test]
fn full_tables_leave_new_connections_to_the_node() {
    for (table, stamps) in [(1, None), (1, Some((CLIENT_STAMP, 0))), (2, None)] {
        let mut bench = Bench::new(6);
        bench.world.most[table] = 0;
        let syn = Segment {
            stamps,
            ..bench.syn()
        };
        bench.open(&syn);
        let mut first = bench.says(ACK, 0, &[22]);
        first.stamps = stamps.map(|_| (CLIENT_STAMP + 10, bench.told));
        let (outcome, out) = bench.client(&first);
        let expected = Segment {
            sequence: bench.cookie.wrapping_add(1),
            acknowledged: CLIENT_ISN.wrapping_add(2),
            ..Segment::new(bench.gateway, bench.client, RST | ACK)
        };
        assert_eq!((outcome, out), (Outcome::Full, Some(expected)));
        assert!(bench.world.splices.is_empty());
        let other = Segment { sequence: 5, ..syn };
        let expected = (Outcome::NoCookie, Some(other.clone()));
        assert_eq!(bench.client(&other), expected);
        // The node's stack may have answered with a cookie of its own.
        let mut ack = bench.says(ACK, 0, &[22]);
        ack.acknowledged ^= 1 << 20;
        assert_eq!(bench.client(&ack), (Outcome::Stray, Some(ack)));
        bench.world.now += 2_000;
        assert_eq!(bench.client(&other).0, Outcome::Accepted);
    }
}

/// Another CPU is about to remember the connection, by a copy of the segment.
#[test]
fn two_copies_of_the_first_data_at_once_are_one() {
    let mut bench = Bench::new(4);
    bench.begin();
    let first = bench.says(ACK, 0, &[22]);
    assert_eq!(bench.client(&first).0, Outcome::Collected);
    let (key, splice) = bench.world.splices.drain().next().unwrap();
    assert_eq!(bench.client(&first), (Outcome::Repeated, None));
    assert!(bench.world.splices.is_empty());
    // It has done so.
    bench.world.splices.insert(key, splice);
    assert_eq!(bench.world.hellos[&key].filled, 1);
    assert_eq!(
        bench.client(&bench.says(ACK, 1, &[3])).0,
        Outcome::Collected
    );
}

/// Another CPU has asked the backend, and heard that it has the hello, while this one looks at a
/// segment that it has found the hello to be incomplete without.
#[test]
fn a_connection_that_another_cpu_has_spliced_stays() {
    let mut established = Bench::new(4);
    established.establish();
    let splice = Splice {
        phase: SPLICED,
        ..established.splice()
    };
    let whole = hello(Some("a.example"), 300, 16_000);
    let mut bench = Bench::new(4);
    bench.begin();
    let first = bench.says(ACK, 0, &whole[..100]);
    assert_eq!(bench.client(&first).0, Outcome::Collected);
    bench.world.overtaken = Some(splice);
    let rest = bench.says(ACK, 100, &whole[100..]);
    assert_eq!(bench.client(&rest), (Outcome::Repeated, None));
    assert_eq!(bench.splice(), splice);
    // The same while the backend gets the hello.
    let mut bench = Bench::new(4);
    bench.ask(&whole);
    bench.backend(&bench.accepts());
    bench.world.overtaken = Some(splice);
    bench.world.now += 200;
    let again = bench.says(ACK, 0, &whole);
    assert_eq!(bench.client(&again).0, Outcome::NoRoom);
    assert_eq!(bench.splice(), splice);
}

#[test]
fn without_a_secret_the_node_gets_all() {
    let mut bench = Bench::new(4);
    bench.world.secret = None;
    let syn = bench.syn();
    assert_eq!(bench.client(&syn), (Outcome::NoCookie, Some(syn)));
    for segment in [bench.says(ACK, 0, &[]), bench.says(ACK, 0, &[22])] {
        assert_eq!(bench.client(&segment).0, Outcome::Stray);
    }
}
