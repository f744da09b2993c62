//! Odd but plain: what passes reaches the backend as one message, framed anew.

use super::{BAIT, Case, Message, backend::Backend, passed};
use crate::{bed::Bed, raw::Raw};

/// What is odd, the request, its first line at the backend.
const REQUESTS: &[(&str, &str, &str)] = &[
    (
        "absolute target",
        "GET http://a/x?y=1 HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /x?y=1",
    ),
    (
        "absolute target wins",
        "GET http://a/x HTTP/1.1\r\nhost: b\r\n\r\n",
        "GET /x",
    ),
    (
        "absolute target without a path",
        "GET http://a HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /",
    ),
    (
        "two slashes",
        "GET //x HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET //x",
    ),
    (
        "encoded line end",
        "GET /%0d%0ahost:%20b HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /%0d%0ahost:%20b",
    ),
    (
        "encoded space and version",
        "GET /%20HTTP/1.1%0d%0a HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /%20HTTP/1.1%0d%0a",
    ),
    (
        "empty lines before",
        "\r\n\r\nGET /x HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /x",
    ),
    ("HTTP/1.0", "GET /x HTTP/1.0\r\nhost: a\r\n\r\n", "GET /x"),
    (
        "method of small letters",
        "get /x HTTP/1.1\r\nhost: a\r\n\r\n",
        "get /x",
    ),
    (
        "unknown method",
        "FROB /x HTTP/1.1\r\nhost: a\r\n\r\n",
        "FROB /x",
    ),
    (
        "bare LF for line ends",
        "GET /x HTTP/1.1\nhost: a\n\n",
        "GET /x",
    ),
    (
        "value beyond ASCII",
        "GET /x HTTP/1.1\r\nhost: a\r\nx: \u{e9}\r\n\r\n",
        "GET /x",
    ),
];

/// The whole of a body that looks like the end of another framing, with a request behind it.
fn body() -> String {
    format!("0\r\n\r\n{BAIT}")
}

fn message(line: &str, body: impl Into<String>) -> Message {
    Message {
        line: format!("{line} HTTP/1.1"),
        body: body.into(),
    }
}

#[tokio::test]
async fn a_body_is_as_long_as_its_length_says() {
    let length = body().len();
    let heads = [
        ("length", format!("content-length: {length}\r\n")),
        ("leading zeros", format!("content-length: 000{length}\r\n")),
        ("spaces around", format!("content-length:  {length} \r\n")),
        ("tab before", format!("content-length:\t{length}\r\n")),
        ("no space", format!("content-length:{length}\r\n")),
        ("odd case", format!("CONTENT-length: {length}\r\n")),
        (
            "hop by hop",
            format!("connection: content-length\r\ncontent-length: {length}\r\n"),
        ),
        (
            "name with an underscore",
            format!("content-length: {length}\r\ntransfer_encoding: chunked\r\n"),
        ),
        (
            "TE is not Transfer-Encoding",
            format!("content-length: {length}\r\nte: chunked\r\n"),
        ),
        (
            "trailers announced",
            format!("content-length: {length}\r\ntrailer: x\r\n"),
        ),
        (
            "a value that looks like headers",
            format!("x: \\r\\ntransfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
        ),
        (
            "upgrade that is not taken",
            format!("connection: upgrade\r\nupgrade: h2c\r\ncontent-length: {length}\r\n"),
        ),
    ];
    let cases = heads.into_iter().map(|(what, head)| {
        let bytes = format!("POST /a HTTP/1.1\r\nhost: a\r\n{head}\r\n{}", body());
        (Case { what, bytes }, message("POST /a", body()))
    });
    passed(cases.collect()).await;
}

#[tokio::test]
async fn a_body_in_chunks_ends_with_the_last_one() {
    let (whole, size) = (body(), body().len());
    let bodies = [
        ("one chunk", format!("{size:x}\r\n{whole}\r\n0\r\n\r\n")),
        (
            "capital digits",
            format!("{size:X}\r\n{whole}\r\n0\r\n\r\n"),
        ),
        (
            "leading zeros",
            format!("0000{size:x}\r\n{whole}\r\n0\r\n\r\n"),
        ),
        (
            "last chunk of many zeros",
            format!("{size:x}\r\n{whole}\r\n0000\r\n\r\n"),
        ),
        (
            "extension",
            format!("{size:x};a=b\r\n{whole}\r\n0;c\r\n\r\n"),
        ),
        (
            "quoted extension",
            format!("{size:x};a=\"b;c\"\r\n{whole}\r\n0\r\n\r\n"),
        ),
        (
            "trailer",
            format!("{size:x}\r\n{whole}\r\n0\r\nx: 1\r\n\r\n"),
        ),
        (
            "trailer that is a length",
            format!("{size:x}\r\n{whole}\r\n0\r\ncontent-length: 0\r\n\r\n"),
        ),
        (
            "trailer that is a coding",
            format!("{size:x}\r\n{whole}\r\n0\r\ntransfer-encoding: chunked\r\n\r\n"),
        ),
        (
            "trailer that is a host",
            format!("{size:x}\r\n{whole}\r\n0\r\nhost: b\r\n\r\n"),
        ),
    ];
    let cases = bodies.into_iter().map(|(what, body)| {
        let head = "POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let bytes = format!("{head}{body}");
        (Case { what, bytes }, message("POST /a", whole.clone()))
    });
    passed(cases.collect()).await;
}

#[tokio::test]
async fn targets_and_lines_are_written_anew() {
    let cases = REQUESTS.iter().map(|(what, bytes, line)| {
        let bytes = (*bytes).to_owned();
        (Case { what, bytes }, message(line, ""))
    });
    passed(cases.collect()).await;
}

/// Without a length and a coding, what follows the head is the next request.
#[tokio::test]
async fn what_follows_a_request_without_a_body_is_a_request() {
    let backend = Backend::start().await;
    let bed = Bed::to(backend.address);
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "POST"] {
        let mut raw = Raw::connect(bed.address).await;
        raw.send(format!("{method} /first HTTP/1.1\r\nhost: a\r\n\r\n{BAIT}"))
            .await;
        for _ in 0..2 {
            assert_eq!(raw.answer().await.map(|a| a.status), Some(200), "{method}");
        }
        let expected = [
            message(&format!("{method} /first"), ""),
            message("GET /smuggled", ""),
        ];
        assert_eq!(backend.take(), expected, "{method}");
    }
    bed.stop().await;
}
