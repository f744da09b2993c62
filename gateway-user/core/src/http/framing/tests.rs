//! Streams of requests, cut at every place.

use super::*;

const PLAIN: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const LENGTH: &str = "POST / HTTP/1.1\r\nContent-Length: 21\r\n\r\ntransfer-encoding: x\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\
    17;x=y\r\ncontent-length: 1\r\n\r\n\r\n\r\n0\r\ncontent-length: 2\r\n\r\n";
const BOTH: &str = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n";
const REVERSED: &str = "POST / HTTP/1.1\nCONTENT-LENGTH:0\nTRANSFER-ENCODING:\tchunked\n\n";

/// The finding must not depend on how the bytes arrive.
fn ambiguous(stream: &str) -> Option<u64> {
    let mut whole = Framing::default();
    whole.feed(stream.as_bytes());
    for size in [1, 2, 3, 7, 50] {
        let mut cut = Framing::default();
        stream
            .as_bytes()
            .chunks(size)
            .for_each(|piece| cut.feed(piece));
        assert_eq!(
            cut.ambiguous(),
            whole.ambiguous(),
            "in pieces of {size}: {stream}"
        );
    }
    whole.ambiguous()
}

#[test]
fn the_first_ambiguous_request_is_found() {
    // LENGTH announces 21 of its 22 bytes of body: the last one is an empty line before a head.
    for (requests, expected) in [
        (&[PLAIN, LENGTH, CHUNKED, PLAIN] as &[_], None),
        (&[BOTH], Some(0)),
        (&[REVERSED], Some(0)),
        (&[PLAIN, PLAIN, BOTH], Some(2)),
        (&[LENGTH, CHUNKED, LENGTH, REVERSED], Some(3)),
        (&["\r\n\n", PLAIN, "\r\n", BOTH], Some(1)),
        (&[BOTH, "0\r\n\r\n", BOTH], Some(0)),
        (
            &[
                "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
                BOTH,
            ],
            None,
        ),
    ] {
        assert_eq!(ambiguous(&requests.concat()), expected, "{requests:?}");
    }
}

#[test]
fn long_lines_are_not_kept() {
    let mut framing = Framing::default();
    let long = format!(
        "GET /{} HTTP/1.1\r\nx: {}",
        "x".repeat(9_000),
        "y".repeat(9_000)
    );
    framing.feed(long.as_bytes());
    assert!(framing.line.len() <= KEPT);
    framing.feed(b"\r\n\r\n");
    framing.feed(BOTH.as_bytes());
    assert_eq!(framing.ambiguous(), Some(1));
}
