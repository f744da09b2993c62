//! A connection whose backend left, and that had its time: each end is told with its next packet.

use super::*;
use crate::splice::{
    Splices as _,
    state::{CLOSING_IDLE, DRAINED, SPLICED_IDLE},
};

/// As user space marks it.
fn drained(family: u8) -> (Bench, u32) {
    let mut bench = Bench::new(family);
    let bytes = bench.establish();
    let (key, now) = (key_of(bench.client, bench.gateway), bench.world.now());
    bench.world.splices.get_mut(&key).unwrap().drain(now);
    (bench, bytes)
}

/// How many entries are left after so many seconds more.
fn left(bench: &mut Bench, seconds: u32) -> usize {
    bench.world.now += u64::from(seconds) * 1000;
    bench.world.collect();
    assert_eq!(bench.world.splices.len(), bench.world.ties.len());
    bench.world.splices.len()
}

#[test]
fn both_ends_get_a_reset_that_they_believe() {
    for family in [4, 6] {
        let (mut bench, bytes) = drained(family);
        let says = bench.says(ACK | PSH, bytes, b"more");
        let told = Segment {
            sequence: says.acknowledged,
            acknowledged: says.sequence.wrapping_add(4),
            ..Segment::new(bench.gateway, bench.client, RST | ACK)
        };
        let replies = bench.replies(ACK, 0, bytes, b"data");
        let rejected = Segment {
            sequence: replies.acknowledged,
            ..Segment::new(bench.seen, bench.backends[0], RST)
        };
        // A reset may be lost.
        for _ in 0..2 {
            let client = bench.client(&says);
            assert_eq!(client, (Outcome::Drained, Some(told.clone())));
            let backend = bench.backend(&replies);
            assert_eq!(backend, (Outcome::Orphan, Some(rejected.clone())));
        }
    }
}

#[test]
fn who_says_nothing_is_told_hours_later() {
    let (mut bench, bytes) = drained(4);
    assert_eq!(left(&mut bench, SPLICED_IDLE), 1);
    let replies = bench.replies(ACK, 0, bytes, &[]);
    assert_eq!(bench.backend(&replies).0, Outcome::Orphan);
    assert_eq!(left(&mut bench, CLOSING_IDLE), 1, "the client may ask");
    let says = bench.says(ACK, bytes, &[]);
    assert_eq!(bench.client(&says).0, Outcome::Drained);
    assert_eq!(left(&mut bench, CLOSING_IDLE), 1, "a reset may be lost");
    // What repeats does not keep it.
    assert_eq!(bench.client(&says).0, Outcome::Drained);
    assert_eq!(left(&mut bench, 1), 0);
}

#[test]
fn a_reset_is_not_answered() {
    let (mut bench, bytes) = drained(4);
    let gives_up = bench.says(RST, bytes, &[]);
    assert_eq!(bench.client(&gives_up).0, Outcome::Repeated);
    let replies = bench.replies(ACK, 0, bytes, &[]);
    assert_eq!(bench.backend(&replies).0, Outcome::Orphan, "it is told");
    let gives_up = bench.replies(RST, 0, bytes, &[]);
    assert_eq!(bench.backend(&gives_up).0, Outcome::OrphanReset);
    assert_eq!(bench.splice().phase, DRAINED);
}

#[test]
fn another_connection_takes_its_place() {
    let (mut bench, _) = drained(4);
    let mut syn = bench.syn();
    assert_eq!(bench.client(&syn).0, Outcome::Repeated, "an old copy");
    syn.sequence = syn.sequence.wrapping_add(1 << 20);
    assert_eq!(bench.client(&syn).0, Outcome::Accepted);
    assert!(bench.world.splices.is_empty() && bench.world.ties.is_empty());
}
