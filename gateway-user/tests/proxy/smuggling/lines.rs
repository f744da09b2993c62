//! Request lines that are refused.

use super::{Case, refused};

/// What is wrong, the first line.
const LINES: &[(&str, &str)] = &[
    ("no version", "GET /"),
    ("no target", "GET HTTP/1.1"),
    ("nothing but a method", "GET"),
    ("version in small letters", "GET / http/1.1"),
    ("version 1", "GET / HTTP/1"),
    ("version 1.2", "GET / HTTP/1.2"),
    ("version 2.0", "GET / HTTP/2.0"),
    ("version 3.0", "GET / HTTP/3.0"),
    ("version 0.9", "GET / HTTP/0.9"),
    ("version 01.1", "GET / HTTP/01.1"),
    ("version 1.10", "GET / HTTP/1.10"),
    ("other protocol", "GET / ICY/1.1"),
    ("space behind the version", "GET / HTTP/1.1 "),
    ("word behind the version", "GET / HTTP/1.1 x"),
    ("tab behind the method", "GET\t/ HTTP/1.1"),
    ("tab behind the target", "GET /\tHTTP/1.1"),
    ("space before the method", " GET / HTTP/1.1"),
    ("space in the target", "GET /a b HTTP/1.1"),
    ("NUL in the target", "GET /\0 HTTP/1.1"),
    ("control in the target", "GET /\x01 HTTP/1.1"),
    ("DEL in the target", "GET /\x7f HTTP/1.1"),
    ("bare CR in the target", "GET /\r HTTP/1.1"),
    ("bare CR behind the method", "GET\r / HTTP/1.1"),
    ("NUL in the method", "GE\0T / HTTP/1.1"),
    ("parenthesis in the method", "GE(T / HTTP/1.1"),
    ("colon in the method", "GET: / HTTP/1.1"),
    ("method beyond ASCII", "G\u{c9}T / HTTP/1.1"),
    ("target without a slash", "GET a HTTP/1.1"),
    ("target is a host and port", "GET a:80 HTTP/1.1"),
    ("star for GET", "GET * HTTP/1.1"),
    ("query alone", "GET ?a HTTP/1.1"),
    ("absolute target without a host", "GET http:///a HTTP/1.1"),
    ("absolute target with a user", "GET http://u@a/ HTTP/1.1"),
    (
        "absolute target with a bad port",
        "GET http://a:x/ HTTP/1.1",
    ),
    ("backslash for a slash", "GET \\a HTTP/1.1"),
    ("preface of HTTP/2 half done", "PRI * HTTP/1.1"),
];

#[tokio::test]
async fn request_lines_that_are_not_plain_are_refused() {
    let cases = LINES
        .iter()
        .map(|(what, line)| Case::head(what, &format!("{line}\r\nhost: a\r\n")));
    refused(400, cases.collect()).await;
}

#[tokio::test]
async fn methods_that_open_a_tunnel_are_refused() {
    let cases = ["CONNECT a:80 HTTP/1.1", "CONNECT / HTTP/1.1"]
        .map(|line| Case::head(line, &format!("{line}\r\nhost: a:80\r\n")));
    refused(501, cases.into()).await;
}

#[tokio::test]
async fn chunks_are_not_for_http_1_0() {
    let head = "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n";
    refused(400, vec![Case::head("HTTP/1.0", head)]).await;
}
