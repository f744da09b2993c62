//! Bodies in chunks that are broken off.

use super::{BAIT, Case, broken_off};

/// What is wrong, the body.
const CHUNKS: &[(&str, &str)] = &[
    ("hexadecimal prefix", "0x3\r\nabc\r\n0\r\n\r\n"),
    ("plus", "+3\r\nabc\r\n0\r\n\r\n"),
    ("minus", "-3\r\nabc\r\n0\r\n\r\n"),
    ("space before", " 3\r\nabc\r\n0\r\n\r\n"),
    ("no size", "\r\nabc\r\n0\r\n\r\n"),
    ("no digit", "g\r\nabc\r\n0\r\n\r\n"),
    ("underscore", "3_0\r\nabc\r\n0\r\n\r\n"),
    ("comma", "3,3\r\nabc\r\n0\r\n\r\n"),
    ("two numbers", "3 3\r\nabc\r\n0\r\n\r\n"),
    ("fraction", "3.0\r\nabc\r\n0\r\n\r\n"),
    ("quotes", "\"3\"\r\nabc\r\n0\r\n\r\n"),
    ("NUL behind", "3\0\r\nabc\r\n0\r\n\r\n"),
    ("vertical tab behind", "3\x0b\r\nabc\r\n0\r\n\r\n"),
    ("extension without a semicolon", "3 a=b\r\nabc\r\n0\r\n\r\n"),
    ("17 digits", "10000000000000003\r\nabc\r\n0\r\n\r\n"),
    ("2^64 - 1", "ffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    ("bare LF behind the size", "3\nabc\r\n0\r\n\r\n"),
    ("bare CR behind the size", "3\rabc\r\n0\r\n\r\n"),
    ("CR CR LF behind the size", "3\r\r\nabc\r\n0\r\n\r\n"),
    ("LF in an extension", "3;a\nb\r\nabc\r\n0\r\n\r\n"),
    ("CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n"),
    ("chunk longer than its size", "3\r\nabcd\r\n0\r\n\r\n"),
    ("chunk shorter than its size", "5\r\nabc\r\n0\r\n\r\n"),
    ("no line end behind the chunk", "3\r\nabc0\r\n\r\n"),
    ("bare LF behind the chunk", "3\r\nabc\n0\r\n\r\n"),
    ("bare CR behind the chunk", "3\r\nabc\r0\r\n\r\n"),
    ("other bytes for the line end", "3\r\nabcXX0\r\n\r\n"),
    ("minus 0", "3\r\nabc\r\n-0\r\n\r\n"),
    ("bare LF behind the last chunk", "3\r\nabc\r\n0\n\r\n"),
    ("bare CR behind the trailers", "3\r\nabc\r\n0\r\n\rx\r\n"),
    ("trailer without a colon", "3\r\nabc\r\n0\r\nx\r\n\r\n"),
    (
        "trailer with a space before its colon",
        "3\r\nabc\r\n0\r\nx : 1\r\n\r\n",
    ),
    ("folded trailer", "3\r\nabc\r\n0\r\nx: 1\r\n y\r\n\r\n"),
    ("NUL in a trailer", "3\r\nabc\r\n0\r\nx: a\0b\r\n\r\n"),
];

#[tokio::test]
async fn chunks_that_are_not_plain_are_broken_off() {
    let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let cases = CHUNKS.iter().map(|(what, body)| Case {
        what,
        bytes: format!("{head}{body}{BAIT}"),
    });
    broken_off(cases.collect()).await;
}
