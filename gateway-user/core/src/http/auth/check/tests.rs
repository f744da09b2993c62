//! The bytes of calls.

use super::*;

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
fn http_of(framed: &[u8]) -> HttpRequest {
    let (prefix, message) = framed.split_first_chunk::<5>().expect("a prefix");
    assert_eq!(prefix[0], 0, "not compressed");
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
    assert_eq!(length as usize, message.len());
    let check = CheckRequest::decode(message).expect("a message");
    let attributes = check.attributes.expect("attributes");
    let request = attributes.request.expect("a request");
    request.http.expect("a request of HTTP")
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
        http.headers.into_iter().collect::<Vec<_>>()
    };
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let all = [
        ("cookie", "a=1; b=2"),
        ("x-a", "1,2"),
        ("x-empty", ""),
        ("x-latin", "caf\u{fffd}"),
    ];
    assert_eq!(entries(&Names::All), all.map(pair));
    let only = ["cookie", "x-none"].map(HeaderName::from_static);
    let only = entries(&Names::These(only.into()));
    assert_eq!(only, [pair(("cookie", "a=1; b=2"))]);
}

#[test]
fn a_body_that_is_no_text_is_shown_as_bytes() {
    let (headers, target) = (HeaderMap::new(), Uri::from_static("/"));
    let ask = |body: &[u8], size| {
        let mut facts = facts(&target, &headers, b"");
        (facts.body, facts.size) = (body, size);
        let http = http_of(&request(&Names::All, &facts));
        (http.size, http.body, http.raw_body)
    };
    assert_eq!(ask(b"\xff\x00", Some(2)), (2, String::new(), vec![0xff, 0]));
    let text = "ä".to_owned();
    assert_eq!(ask(text.as_bytes(), Some(2)), (2, text, Vec::new()));
    assert_eq!(ask(b"", None), (-1, String::new(), Vec::new()));
    assert_eq!(ask(b"", Some(0)), (0, String::new(), Vec::new()));
}
