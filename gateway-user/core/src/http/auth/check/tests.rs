//! The bytes of calls.

use super::*;
use crate::http::auth::wire::{Fields, Value};

/// A message as text: fields by number, messages in braces where they are told to be some.
fn shown(message: &[u8], depth: &[u32]) -> String {
    let field = |(number, value): (u32, Value<'_>)| match value {
        Value::Number(value) => format!("{number}:{value}"),
        Value::Bytes(bytes) if depth.contains(&number) => {
            format!("{number}{{{}}}", shown(bytes, depth))
        }
        Value::Bytes(bytes) => format!("{number}:{}", String::from_utf8_lossy(bytes)),
        Value::Fixed => format!("{number}:fixed"),
    };
    let fields = Fields::of(message).map(|one| field(one.expect("a message")));
    fields.collect::<Vec<_>>().join(" ")
}

fn header_map(pairs: &[(&'static str, &'static [u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_bytes(value).expect("a value"));
    }
    headers
}

fn facts<'a>(target: &'a Uri, headers: &'a HeaderMap, body: &'a [u8]) -> Facts<'a> {
    Facts {
        method: &Method::PUT,
        target,
        version: Version::HTTP_2,
        headers,
        scheme: Scheme::Https,
        client: "[::ffff:192.0.2.7]:4000".parse().expect("an address"),
        local: "[2001:db8::1]:443".parse().expect("an address"),
        time: Duration::new(1_700_000_000, 5),
        size: Some(body.len() as u64),
        body,
    }
}

/// The `HttpRequest` of a request.
fn http_of(framed: &[u8]) -> Vec<u8> {
    let (prefix, message) = framed.split_first_chunk::<5>().expect("a prefix");
    assert_eq!(prefix[0], 0, "not compressed");
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
    assert_eq!(length as usize, message.len());
    let inner = |message: &[u8], field| {
        let found = Fields::of(message).find_map(|one| match one {
            Ok((number, Value::Bytes(bytes))) if number == field => Some(bytes.to_vec()),
            _ => None,
        });
        found.expect("the field")
    };
    inner(&inner(&inner(message, 1), 4), 2)
}

#[test]
fn a_call_says_who_asks_whom_for_what() {
    let headers = header_map(&[
        ("host", b"shop.example"),
        ("x-request-id", b"id-1"),
        ("x-a", b"1"),
    ]);
    let target = Uri::from_static("/cart?id=7");
    let names = Names::These([HeaderName::from_static("x-a")].into());
    let framed = request(&names, &facts(&target, &headers, b"hello"));
    let text = shown(&framed[5..], &[1]);
    // attributes { source, destination, request }: what is inside is not text.
    assert!(
        text.starts_with("1{1{1{1{2:192.0.2.7 3:4000}}} 2:"),
        "{text}"
    );
    let http = http_of(&framed);
    assert_eq!(
        shown(&http, &[3]),
        "1:id-1 2:PUT 3{1:x-a 2:1} 4:/cart?id=7 5:shop.example 6:https 9:5 10:HTTP/2 11:hello"
    );
    // The whole of it, from another encoder, with the fields of Envoy's files.
    let bytes: String = framed.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(bytes, include_str!("tests/request.hex").trim());
}

#[test]
fn headers_are_joined_and_made_readable() {
    let headers = header_map(&[
        ("x-a", b"1"),
        ("x-a", b"2"),
        ("cookie", b"a=1"),
        ("cookie", b"b=2"),
        ("x-latin", b"caf\xe9"),
        ("x-empty", b""),
    ]);
    let target = Uri::from_static("/");
    let entries = |names: &Names| {
        let http = http_of(&request(names, &facts(&target, &headers, b"")));
        let text = shown(&http, &[3]);
        text.split_inclusive('}')
            .filter_map(|part| Some(part.split_once("3{")?.1.to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        entries(&Names::All),
        [
            "1:x-a 2:1,2}",
            "1:cookie 2:a=1; b=2}",
            "1:x-latin 2:caf\u{fffd}}",
            "1:x-empty}"
        ]
    );
    let only = ["cookie", "x-none"].map(HeaderName::from_static);
    assert_eq!(
        entries(&Names::These(only.into())),
        ["1:cookie 2:a=1; b=2}"]
    );
}

#[test]
fn a_body_that_is_no_text_is_shown_as_bytes() {
    let (headers, target) = (HeaderMap::new(), Uri::from_static("/"));
    let ask = |body: &[u8], size| {
        let mut facts = facts(&target, &headers, b"");
        (facts.body, facts.size) = (body, size);
        let http = http_of(&request(&Names::All, &facts));
        let fields = Fields::of(&http).map(|one| one.expect("a message"));
        let of_body = |(number, _): &(u32, Value<'_>)| [9, 11, 12].contains(number);
        fields
            .filter(of_body)
            .map(|(number, value)| format!("{number} {value:?}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ask(b"\xff\x00", Some(2)),
        ["9 Number(2)", "12 Bytes([255, 0])"]
    );
    assert_eq!(
        ask("ä".as_bytes(), Some(2)),
        ["9 Number(2)", "11 Bytes([195, 164])"]
    );
    // -1: nobody knows.
    assert_eq!(ask(b"", None), ["9 Number(18446744073709551615)"]);
    assert!(ask(b"", Some(0)).is_empty());
}
