//! HTTP/2 requests that would become something else in HTTP/1.1 (RFC 9113 section 10.3).
//!
//! Frames are written by hand: a client library refuses to send what is tested here.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time,
};

use super::backend::{Backend, Message};
use crate::bed::Bed;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PATIENCE: Duration = Duration::from_secs(10);

type Fields = &'static [(&'static str, &'static str)];

/// What became of a stream.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Reset, or the connection was closed.
    Refused,
    Answered(u16),
}

/// What is wrong, the fields behind the usual pseudo-header fields.
const FIELDS: &[(&str, Fields)] = &[
    ("CR LF in a value", &[("x", "a\r\nhost: b")]),
    (
        "CR LF CR LF in a value",
        &[("x", "a\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n")],
    ),
    ("LF in a value", &[("x", "a\ntransfer-encoding: chunked")]),
    ("CR in a value", &[("x", "a\rb")]),
    ("NUL in a value", &[("x", "a\0b")]),
    ("CR LF in a name", &[("x\r\nhost: b\r\ny", "1")]),
    ("LF in a name", &[("x\ny", "1")]),
    (
        "colon in a name",
        &[("transfer-encoding: chunked\r\nx", "1")],
    ),
    ("space in a name", &[("transfer-encoding ", "chunked")]),
    (
        "capital letters in a name",
        &[("Transfer-Encoding", "chunked")],
    ),
    ("empty name", &[("", "1")]),
    ("NUL in a name", &[("x\0", "1")]),
    ("transfer-encoding", &[("transfer-encoding", "chunked")]),
    (
        "transfer-encoding and a length",
        &[("content-length", "0"), ("transfer-encoding", "chunked")],
    ),
    ("connection", &[("connection", "content-length")]),
    ("keep-alive", &[("keep-alive", "1")]),
    ("proxy-connection", &[("proxy-connection", "keep-alive")]),
    ("upgrade", &[("upgrade", "h2c")]),
    ("te other than trailers", &[("te", "chunked")]),
    (
        "pseudo-header field behind the others",
        &[("x", "1"), (":path", "/smuggled")],
    ),
    ("second path", &[(":path", "/smuggled")]),
    ("second method", &[(":method", "POST")]),
    ("second authority", &[(":authority", "b")]),
    ("unknown pseudo-header field", &[(":x", "1")]),
    ("status in a request", &[(":status", "200")]),
    (
        "two lengths",
        &[("content-length", "0"), ("content-length", "5")],
    ),
    ("length that is no number", &[("content-length", "five")]),
    ("signed length", &[("content-length", "+0")]),
    ("list of lengths", &[("content-length", "0, 0")]),
    ("length without a body", &[("content-length", "5")]),
    ("other host", &[("host", "b")]),
    ("two hosts", &[("host", "a"), ("host", "a")]),
];

/// What is wrong, all the fields.
const PSEUDO: &[(&str, Fields)] = &[
    (
        "no method",
        &[(":scheme", "http"), (":authority", "a"), (":path", "/")],
    ),
    (
        "no path",
        &[(":method", "GET"), (":scheme", "http"), (":authority", "a")],
    ),
    (
        "empty path",
        &[
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", ""),
        ],
    ),
    (
        "no scheme",
        &[(":method", "GET"), (":authority", "a"), (":path", "/")],
    ),
    (
        "no authority",
        &[(":method", "GET"), (":scheme", "http"), (":path", "/")],
    ),
    (
        "path with CR LF",
        &[
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", "/ HTTP/1.1\r\nx: "),
        ],
    ),
    (
        "path with a space",
        &[
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", "/ HTTP/1.1"),
        ],
    ),
    (
        "path without a slash",
        &[
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", "x"),
        ],
    ),
    (
        "star for GET",
        &[
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", "*"),
        ],
    ),
    (
        "method with a space",
        &[
            (":method", "GET /smuggled HTTP/1.1\r\nx:"),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", "/"),
        ],
    ),
    (
        "empty method",
        &[
            (":method", ""),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", "/"),
        ],
    ),
    (
        "authority with CR LF",
        &[
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a\r\nx: 1"),
            (":path", "/"),
        ],
    ),
    (
        "authority with a user",
        &[
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "u@a"),
            (":path", "/"),
        ],
    ),
    (
        "authority with a path",
        &[
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a/b"),
            (":path", "/"),
        ],
    ),
    (
        "authority with a space",
        &[
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a b"),
            (":path", "/"),
        ],
    ),
    (
        "scheme with CR LF",
        &[
            (":method", "GET"),
            (":scheme", "http\r\nx: 1"),
            (":authority", "a"),
            (":path", "/"),
        ],
    ),
];

const USUAL: Fields = &[
    (":method", "GET"),
    (":scheme", "http"),
    (":authority", "a"),
    (":path", "/"),
];

#[tokio::test]
async fn fields_that_are_not_plain_never_become_lines() {
    let backend = Backend::start().await;
    let bed = Bed::to(backend.address);
    let added = FIELDS
        .iter()
        .map(|(what, fields)| (*what, [USUAL, fields].concat()));
    let whole = PSEUDO.iter().map(|(what, fields)| (*what, fields.to_vec()));
    for (what, fields) in added.chain(whole) {
        match ask(&bed, &fields, None).await {
            End::Refused | End::Answered(400 | 501) => (),
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(backend.take(), [], "{what}: reached the backend");
    }
    // The frames as such are right.
    assert_eq!(ask(&bed, USUAL, None).await, End::Answered(200));
    let line = "GET / HTTP/1.1".to_owned();
    let body = String::new();
    assert_eq!(backend.take(), [Message { line, body }]);
    bed.stop().await;
    assert_eq!(backend.take(), [], "reached the backend late");
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_its_length_says_is_broken_off() {
    let backend = Backend::start().await;
    let bed = Bed::to(backend.address);
    for (length, body) in [
        ("0", "x"),
        ("3", "abcGET /smuggled HTTP/1.1\r\n\r\n"),
        ("5", "abc"),
        ("99", ""),
    ] {
        let fields = [USUAL, &[("content-length", length)]].concat();
        match ask(&bed, &fields, Some(body)).await {
            End::Refused | End::Answered(400) => (),
            other => panic!("{length}, {body:?}: {other:?}"),
        }
        assert_eq!(backend.take(), [], "{length}, {body:?}: a whole message");
    }
    let fields = [USUAL, &[("content-length", "3")]].concat();
    assert_eq!(ask(&bed, &fields, Some("abc")).await, End::Answered(200));
    assert_eq!(backend.take().len(), 1);
    bed.stop().await;
    assert_eq!(backend.take(), [], "a whole message, late");
}

/// One request on a connection of its own.
async fn ask(bed: &Bed, fields: &[(&str, &str)], body: Option<&str>) -> End {
    let mut stream = TcpStream::connect(bed.address).await.unwrap();
    let mut sent = PREFACE.to_vec();
    frame(&mut sent, SETTINGS, 0, 0, &[]);
    let ends = if body.is_none() { END_STREAM } else { 0 };
    frame(&mut sent, HEADERS, END_HEADERS | ends, 1, &block(fields));
    if let Some(body) = body {
        frame(&mut sent, DATA, END_STREAM, 1, body.as_bytes());
    }
    stream.write_all(&sent).await.unwrap();
    time::timeout(PATIENCE, end(&mut stream))
        .await
        .expect("an end in time")
}

fn frame(to: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    to.extend(&length[1..]);
    to.extend([kind, flags]);
    to.extend(stream.to_be_bytes());
    to.extend(payload);
}

/// Literal fields without indexing and without Huffman coding (RFC 7541 section 6.2.2).
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127, "needs a longer integer");
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// Reads frames until the fate of stream 1 is known.
async fn end(stream: &mut TcpStream) -> End {
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return End::Refused;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        if stream.read_exact(&mut payload).await.is_err() {
            return End::Refused;
        }
        match head[3] {
            RST_STREAM | GOAWAY => return End::Refused,
            HEADERS => return End::Answered(status(&payload)),
            _ => (),
        }
    }
}

/// `:status` comes first: indexed in the static table (RFC 7541 appendix A), or a literal whose
/// name is.
fn status(block: &[u8]) -> u16 {
    match block {
        [0x88, ..] => 200,
        [0x8c, ..] => 400,
        [0x48, 0x03, digits @ ..] => std::str::from_utf8(&digits[..3]).unwrap().parse().unwrap(),
        // Three digits in Huffman codes of five or six bits.
        [0x48, 0x82, first, second, ..] => huffman(u16::from_be_bytes([*first, *second])),
        other => panic!("{other:x?}"),
    }
}

/// `5..` in 16 bits; of the answers here only 501 is not in the static table.
fn huffman(bits: u16) -> u16 {
    match bits {
        // 5 is 011011, 0 is 00000, 1 is 00001.
        0b0110_1100_0000_0001 => 501,
        other => panic!("{other:016b}"),
    }
}
