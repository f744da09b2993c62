//! What the node's own stack gets.

use super::*;

fn handed(bench: &mut Bench, segment: &Segment) -> Segment {
    let (outcome, out) = bench.client(segment);
    assert_eq!(outcome, Outcome::Handed);
    out.unwrap()
}

#[test]
fn a_hello_in_one_segment_passes_as_it_is() {
    for family in [4, 6] {
        let mut bench = Bench::new(family);
        let syn = bench.syn();
        bench.open(&syn);
        let segment = bench.says(ACK | PSH, 0, &hello(Some("local.example"), 300, 16_000));
        assert_eq!(handed(&mut bench, &segment), segment);
        assert!(bench.world.splices.is_empty() && bench.world.hellos.is_empty());
        // From here on the node has it, also what would prove itself again.
        let key = key_of(bench.client, bench.gateway);
        bench.world.local.insert(key);
        let (outcome, out) = bench.client(&segment);
        assert_eq!((outcome, out), (Outcome::Local, Some(segment)));
    }
}

/// The packet in hand is the last segment; the stack gets the first bytes instead, and the client
/// sends the others again.
#[test]
fn a_hello_in_several_segments_begins_with_its_first_byte() {
    let mut bench = Bench::new(4);
    let whole = hello(Some("local.example"), 1800, 16_000);
    let syn = bench.syn();
    bench.open(&syn);
    bench.client(&bench.says(ACK, 0, &whole[..1000]));
    let mut last = bench.says(ACK, 1000, &whole[1000..]);
    last.window = 77;
    let piece = handed(&mut bench, &last);
    let expected = Segment {
        data: whole.clone(),
        flags: ACK | PSH,
        ..bench.says(ACK, 0, &[])
    };
    assert_eq!(
        piece,
        Segment {
            window: 77,
            ..expected
        }
    );
    // Nothing was acknowledged early: what comes next is the client's own again.
    let again = bench.says(ACK, 0, &whole[..1000]);
    assert_eq!(handed(&mut bench, &again), again);
    assert!(bench.world.splices.is_empty() && bench.world.hellos.is_empty());
}

#[test]
fn what_the_client_has_no_more_comes_from_here_until_it_is_acknowledged() {
    let mut bench = Bench::new(6);
    let whole = hello(Some("local.example"), 5000, 16_000);
    let syn = bench.syn();
    bench.open(&syn);
    for from in [0, 1000, 2000, 3000] {
        let segment = bench.says(ACK, from, &whole[from as usize..][..1000]);
        assert_eq!(bench.client(&segment).0, Outcome::Collected);
    }
    let old = bench.says(ACK, 3000, &whole[3000..4000]);
    assert_eq!(bench.client(&old).0, Outcome::Acknowledged);
    let mut last = bench.says(ACK, 4000, &whole[4000..]);
    last.stamps = Some((CLIENT_STAMP + 50, bench.told));
    assert_eq!(handed(&mut bench, &last).data, whole[..2048]);
    // Not yet acknowledged. An old copy must not take the time stamp back.
    let piece = handed(&mut bench, &old);
    assert_eq!(piece.data, whole[..2048]);
    assert_eq!(piece.stamps, Some((CLIENT_STAMP + 50, bench.told)));
    let answer = |bench: &Bench, bytes: u32| Segment {
        source: bench.gateway,
        sequence: bench.cookie.wrapping_add(1),
        window: 9,
        ..bench.replies(ACK, 0, bytes, &[])
    };
    for (bytes, expected) in [(2048, &whole[2048..4096]), (3999, &whole[3999..])] {
        let segment = answer(&bench, bytes);
        let (outcome, out) = bench.backend(&segment);
        // The client ignores what it knows; windows are as they are with time stamps.
        assert_eq!((outcome, out), (Outcome::Local, Some(segment)));
        assert_eq!(
            handed(&mut bench, &last).data,
            expected[..expected.len().min(2048)]
        );
    }
    // The stack alone does not keep the entry.
    let alive = answer(&bench, 3999);
    let before = bench.splice().last_seen;
    bench.world.now += 9_000;
    assert_eq!(bench.backend(&alive).0, Outcome::Local);
    assert_eq!(bench.splice().last_seen, before);
    let segment = answer(&bench, 4000);
    assert_eq!(bench.backend(&segment).0, Outcome::Local);
    assert_eq!(handed(&mut bench, &last), last);
    assert!(bench.world.splices.is_empty() && bench.world.hellos.is_empty());
    // Packets of the node that are not of such a connection.
    assert_eq!(bench.backend(&segment).0, Outcome::NotOurs);
}

/// The stack reads what the client offered out of time stamps only.
#[test]
fn windows_are_translated_for_who_has_no_time_stamps() {
    for bytes in [300, 1800] {
        let mut bench = Bench::new(4);
        let syn = Segment {
            stamps: None,
            ..bench.syn()
        };
        let answer = bench.open(&syn);
        assert_eq!((answer.scale, answer.sack), (Some(7), true));
        let whole = hello(Some("local.example"), bytes, 16_000);
        let plain = |bench: &Bench, offset, data: &[u8]| Segment {
            stamps: None,
            window: 3,
            ..bench.says(ACK, offset, data)
        };
        let middle = whole.len() / 2;
        let (first, last) = whole.split_at(if bytes > 1000 { middle } else { 0 });
        if !first.is_empty() {
            let segment = plain(&bench, 0, first);
            assert_eq!(bench.client(&segment).0, Outcome::Collected);
        }
        let offset = u32::try_from(first.len()).unwrap();
        // 3 << 8, as the stack reads it.
        let (_, piece) = bench.client(&plain(&bench, offset, last));
        assert_eq!(
            piece.map(|piece| (piece.data, piece.window)),
            Some((whole, 768))
        );
        let more = plain(&bench, 9000, b"more");
        let (outcome, out) = bench.client(&more);
        assert_eq!(outcome, Outcome::Local);
        assert_eq!(
            out,
            Some(Segment {
                window: 768,
                ..more.clone()
            })
        );
        let reply = Segment {
            source: bench.gateway,
            stamps: None,
            window: 1280,
            ..bench.replies(ACK | FIN, 0, 0, b"data")
        };
        let (outcome, out) = bench.backend(&reply);
        assert_eq!(outcome, Outcome::Local);
        // 1280 >> 7.
        assert_eq!(
            out,
            Some(Segment {
                window: 10,
                ..reply
            })
        );
        // It is kept, and ends as others do.
        assert!(bench.world.hellos.is_empty());
        let end = Segment {
            flags: FIN | ACK,
            ..more
        };
        assert!(!bench.splice().closing());
        bench.client(&end);
        assert!(bench.splice().closing());
    }
}
