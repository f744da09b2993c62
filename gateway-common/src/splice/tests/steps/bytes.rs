//! What is counted of a connection.

use super::*;

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
