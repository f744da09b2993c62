//! Header lines that are refused.

use super::{Case, refused};

/// What is wrong, the lines behind `POST / HTTP/1.1` and `host: a`.
const FRAMING: &[(&str, &str)] = &[
    // Both framings, in every order and disguise.
    (
        "length, coding",
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
    ),
    (
        "coding, length",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
    ),
    (
        "coding, length 0",
        "transfer-encoding: chunked\r\ncontent-length: 0\r\n",
    ),
    (
        "both, odd case",
        "TRANSFER-encoding: cHUNKED\r\nContent-LENGTH: 5\r\n",
    ),
    (
        "length, coding, length",
        "content-length: 5\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n",
    ),
    (
        "both, far apart",
        "content-length: 5\r\nx-a: 1\r\nx-b: 2\r\nx-c: 3\r\ntransfer-encoding: chunked\r\n",
    ),
    (
        "both, named as hop by hop",
        "connection: content-length\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n",
    ),
    (
        "both, the coding hop by hop",
        "connection: transfer-encoding\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n",
    ),
    (
        "both, no space behind the colon",
        "content-length:5\r\ntransfer-encoding:chunked\r\n",
    ),
    (
        "both, tabs",
        "content-length:\t5\r\ntransfer-encoding:\tchunked\r\n",
    ),
    // Lengths that are no number, or more than one.
    ("two lengths", "content-length: 5\r\ncontent-length: 6\r\n"),
    (
        "two lengths, 0 first",
        "content-length: 0\r\ncontent-length: 44\r\n",
    ),
    (
        "two lengths, odd case",
        "content-length: 5\r\nCONTENT-LENGTH: 6\r\n",
    ),
    ("list of equal lengths", "content-length: 5, 5\r\n"),
    ("list of lengths", "content-length: 5, 6\r\n"),
    ("list without space", "content-length: 5,5\r\n"),
    ("plus", "content-length: +5\r\n"),
    ("minus", "content-length: -5\r\n"),
    ("minus 0", "content-length: -0\r\n"),
    ("hexadecimal", "content-length: 0x5\r\n"),
    ("hexadecimal digits", "content-length: 5a\r\n"),
    ("fraction", "content-length: 5.0\r\n"),
    ("exponent", "content-length: 5e0\r\n"),
    ("underscore", "content-length: 5_0\r\n"),
    ("space within", "content-length: 5 0\r\n"),
    ("quotes", "content-length: \"5\"\r\n"),
    ("semicolon", "content-length: 5;\r\n"),
    ("empty length", "content-length: \r\n"),
    ("no digits", "content-length: five\r\n"),
    ("vertical tab before", "content-length: \x0b5\r\n"),
    ("form feed behind", "content-length: 5\x0c\r\n"),
    ("2^64", "content-length: 18446744073709551616\r\n"),
    ("2^64 + 5", "content-length: 18446744073709551621\r\n"),
    ("twenty nines", "content-length: 99999999999999999999\r\n"),
    ("other digits", "content-length: \u{0665}\r\n"),
    ("no-break space", "content-length: \u{a0}5\r\n"),
    // Codings other than exactly chunked.
    ("other coding", "transfer-encoding: identity\r\n"),
    ("gzip", "transfer-encoding: gzip\r\n"),
    ("gzip, chunked", "transfer-encoding: gzip, chunked\r\n"),
    ("chunked, gzip", "transfer-encoding: chunked, gzip\r\n"),
    (
        "chunked, identity",
        "transfer-encoding: chunked, identity\r\n",
    ),
    ("chunked twice", "transfer-encoding: chunked, chunked\r\n"),
    ("empty item before", "transfer-encoding: ,chunked\r\n"),
    ("empty item behind", "transfer-encoding: chunked,\r\n"),
    ("empty coding", "transfer-encoding:\r\n"),
    (
        "two headers",
        "transfer-encoding: x\r\ntransfer-encoding: chunked\r\n",
    ),
    (
        "two headers, reversed",
        "transfer-encoding: chunked\r\ntransfer-encoding: x\r\n",
    ),
    (
        "two headers, both chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
    ),
    ("parameter", "transfer-encoding: chunked;q=1\r\n"),
    ("empty parameter", "transfer-encoding: chunked;\r\n"),
    ("quoted", "transfer-encoding: \"chunked\"\r\n"),
    ("prefix", "transfer-encoding: xchunked\r\n"),
    ("suffix", "transfer-encoding: chunkedx\r\n"),
    ("half", "transfer-encoding: chunk\r\n"),
    (
        "vertical tab behind coding",
        "transfer-encoding: chunked\x0b\r\n",
    ),
    (
        "form feed before coding",
        "transfer-encoding: \x0cchunked\r\n",
    ),
    (
        "coding with a letter of another script",
        "transfer-encoding: \u{441}hunked\r\n",
    ),
    (
        "coding with a dotless letter",
        "transfer-encoding: chun\u{212a}ed\r\n",
    ),
];

/// What is wrong, the lines behind `POST / HTTP/1.1`.
const SYNTAX: &[(&str, &str)] = &[
    (
        "space before the colon",
        "host: a\r\ntransfer-encoding : chunked\r\n",
    ),
    (
        "tab before the colon",
        "host: a\r\ntransfer-encoding\t: chunked\r\n",
    ),
    (
        "space before the colon of a length",
        "host: a\r\ncontent-length : 5\r\n",
    ),
    ("space before the colon of the host", "host : a\r\n"),
    (
        "folded line",
        "host: a\r\ntransfer-encoding:\r\n chunked\r\n",
    ),
    (
        "line folded by a tab",
        "host: a\r\ntransfer-encoding:\r\n\tchunked\r\n",
    ),
    ("folded length", "host: a\r\ncontent-length:\r\n 5\r\n"),
    (
        "folded other header",
        "host: a\r\nx: 1\r\n content-length: 5\r\n",
    ),
    ("first line folded", " x: 1\r\nhost: a\r\n"),
    ("first line is a folded host", "\thost: a\r\n"),
    ("no colon", "host: a\r\ntransfer-encoding chunked\r\n"),
    ("no colon, first", "nonsense\r\nhost: a\r\n"),
    ("empty name", "host: a\r\n: chunked\r\n"),
    (
        "NUL in a name",
        "host: a\r\ntransfer\0-encoding: chunked\r\n",
    ),
    (
        "NUL behind a name",
        "host: a\r\ntransfer-encoding\0: chunked\r\n",
    ),
    ("NUL in a value", "host: a\r\nx: a\0b\r\n"),
    (
        "NUL behind the coding",
        "host: a\r\ntransfer-encoding: chunked\0\r\n",
    ),
    (
        "NUL behind the length",
        "host: a\r\ncontent-length: 5\0\r\n",
    ),
    ("control in a value", "host: a\r\nx: a\x01b\r\n"),
    ("DEL in a value", "host: a\r\nx: a\x7fb\r\n"),
    ("DEL in a name", "host: a\r\nx\x7f: 1\r\n"),
    (
        "control before a name",
        "host: a\r\n\x0btransfer-encoding: chunked\r\n",
    ),
    ("slash in a name", "host: a\r\nx/y: 1\r\n"),
    ("parenthesis in a name", "host: a\r\nx(y): 1\r\n"),
    ("quote in a name", "host: a\r\n\"x\": 1\r\n"),
    ("at sign in a name", "host: a\r\nx@y: 1\r\n"),
    ("bracket in a name", "host: a\r\n[x]: 1\r\n"),
    ("comma in a name", "host: a\r\nx,y: 1\r\n"),
    ("name beyond ASCII", "host: a\r\nx\u{e9}: 1\r\n"),
    ("space in a name", "host: a\r\nx y: 1\r\n"),
    (
        "bare CR in a value",
        "host: a\r\nx: 1\rtransfer-encoding: chunked\r\n",
    ),
    (
        "bare CR in the length",
        "host: a\r\ncontent-length: 5\r0\r\n",
    ),
    (
        "bare CR before a name",
        "host: a\r\n\rtransfer-encoding: chunked\r\n",
    ),
    (
        "bare CR behind a name",
        "host: a\r\ntransfer-encoding\r: chunked\r\n",
    ),
    ("CR CR LF", "host: a\r\nx: 1\r\r\n"),
    // Hosts.
    ("no host", "accept: */*\r\n"),
    ("two hosts", "host: a\r\nhost: b\r\n"),
    ("same host twice", "host: a\r\nhost: a\r\n"),
    ("host with user", "host: u@a\r\n"),
    ("host with user and password", "host: u:p@a\r\n"),
    ("host with path", "host: a/b\r\n"),
    ("host with query", "host: a?b\r\n"),
    ("host with space", "host: a b\r\n"),
    ("list of hosts", "host: a, b\r\n"),
    ("host with scheme", "host: http://a\r\n"),
    ("port too large", "host: a:99999\r\n"),
    ("port of letters", "host: a:b\r\n"),
    ("two ports", "host: a:80:80\r\n"),
    ("dots only", "host: .\r\n"),
    ("port only", "host: :80\r\n"),
    ("half an IPv6 address", "host: [::1\r\n"),
    ("host beyond ASCII", "host: \u{e9}.example\r\n"),
];

#[tokio::test]
async fn framings_that_are_not_plain_are_refused() {
    let head = |rest: &str| format!("POST / HTTP/1.1\r\nhost: a\r\n{rest}");
    let cases = FRAMING
        .iter()
        .map(|(what, rest)| Case::head(what, &head(rest)));
    refused(400, cases.collect()).await;
}

#[tokio::test]
async fn header_lines_that_are_not_plain_are_refused() {
    let head = |rest: &str| format!("POST / HTTP/1.1\r\n{rest}");
    let cases = SYNTAX
        .iter()
        .map(|(what, rest)| Case::head(what, &head(rest)));
    refused(400, cases.collect()).await;
}
