//! What is counted of a connection.

use super::*;
use crate::splice::state::SPLICED_IDLE;

/// Numbers alone: 5 GiB to the backend, 9 GiB to the client.
#[test]
fn bytes_are_counted_beyond_the_circle_of_numbers() {
    let mut bench = Bench::new(4);
    bench.world.now = 2_000_000;
    let bytes = bench.establish();
    let since = bench.splice().since;
    let (mut said, mut replied) = (bytes, 0_u32);
    let step = 1_u32 << 20;
    for _ in 0..5 << 10 {
        said = said.wrapping_add(step);
        bench.client(&bench.says(ACK, said, &[]));
    }
    for _ in 0..9 << 10 {
        replied = replied.wrapping_add(step);
        bench.backend(&bench.replies(ACK, replied, said, &[]));
    }
    // Old copies, and what no window has room for.
    for offset in [
        said.wrapping_sub(1),
        said.wrapping_sub(1 << 30),
        said.wrapping_add(1 << 31),
    ] {
        bench.client(&bench.says(ACK | FIN, offset, &[]));
    }
    let counted = |bench: &Bench| {
        let splice = bench.splice();
        (splice.client_bytes, splice.backend_bytes)
    };
    let (up, down) = (u64::from(bytes) + (5 << 30), 9 << 30);
    assert_eq!(counted(&bench), (up, down));
    // A little is counted as a second passes,
    bench.client(&bench.says(ACK, said, b"abc"));
    assert_eq!(counted(&bench), (up, down));
    bench.world.now += 1_000;
    bench.client(&bench.says(ACK, said.wrapping_add(3), b"d"));
    assert_eq!(counted(&bench), (up + 4, down));
    // and at the end, without the FIN and once.
    for _ in 0..2 {
        bench.client(&bench.says(ACK | FIN, said.wrapping_add(4), b"end"));
        bench.backend(&bench.replies(ACK | FIN, replied, said, b"bye"));
        assert_eq!(counted(&bench), (up + 7, down + 3));
    }
    assert_eq!(bench.splice().since, since);
    assert_eq!(since, 2_000_000 / 4);
}

/// Also those of the end that never is the first to speak in a second.
#[test]
fn the_bytes_of_both_ends_are_counted_each_second() {
    let mut bench = Bench::new(4);
    bench.world.now = 2_000_000;
    let bytes = bench.establish();
    for second in 0..3 {
        bench.world.now += 1_000;
        bench.client(&bench.says(ACK, bytes.wrapping_add(second), b"a"));
        bench.backend(&bench.replies(ACK, second * 2, bytes, b"bc"));
        let (said, replied) = (u64::from(bytes + second + 1), u64::from(second * 2 + 2));
        let splice = bench.splice();
        assert_eq!((splice.client_bytes, splice.backend_bytes), (said, replied));
    }
}

/// A client may be silent while its backend is not, and the other way round.
#[test]
fn a_connection_lives_as_long_as_either_end_speaks() {
    let mut bench = Bench::new(4);
    bench.world.now = 2_000_000;
    let bytes = bench.establish();
    let expired = |bench: &Bench| {
        let now = (bench.world.now / 4) as u32;
        bench.splice().expired(now, 250)
    };
    let most = u64::from(SPLICED_IDLE) * 1_000;
    bench.world.now += most;
    bench.backend(&bench.replies(ACK, 0, bytes, b"a"));
    bench.world.now += most;
    assert!(!expired(&bench));
    bench.client(&bench.says(ACK, bytes, b"a"));
    bench.world.now += most;
    assert!(!expired(&bench));
    bench.world.now += 1_000;
    assert!(expired(&bench));
}

#[test]
fn bytes_of_a_backend_that_was_given_up_do_not_count() {
    let mut bench = Bench::new(4);
    bench.ask(&hello(Some("a.example"), 300, 16_000));
    bench.backend(&bench.accepts());
    bench.backend(&bench.replies(RST, 0, 0, &[]));
    let accepts = Segment {
        source: bench.backends[1],
        sequence: 77,
        ..bench.accepts()
    };
    bench.backend(&accepts);
    let end = Segment {
        source: bench.backends[1],
        sequence: 78,
        ..bench.replies(ACK | FIN, 0, 0, b"x")
    };
    assert_eq!(bench.backend(&end).0, Outcome::ToClient);
    assert_eq!(bench.splice().backend_bytes, 1);
}
