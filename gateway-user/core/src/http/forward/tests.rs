//! Heads before and after.

use super::*;

fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        map.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    map
}

#[test]
fn what_concerns_one_connection_is_removed() {
    let mut headers = map(&[
        ("connection", "close, X-Secret"),
        ("connection", "host, content-length, , bad name"),
        ("x-secret", "1"),
        ("host", "a"),
        ("content-length", "5"),
        ("keep-alive", "5"),
        ("proxy-connection", "close"),
        ("te", "gzip"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("http2-settings", "AAMAAABk"),
        ("trailer", "x-sum"),
        ("accept", "*/*"),
    ]);
    strip_hop_by_hop(&mut headers);
    let left = [
        ("host", "a"),
        ("content-length", "5"),
        ("trailer", "x-sum"),
        ("accept", "*/*"),
    ];
    assert_eq!(headers, map(&left));
}

#[test]
fn a_client_that_reads_trailers_says_so_to_the_backend() {
    for (te, expected) in [
        (
            "trailers",
            &[("te", "trailers"), ("connection", "te")] as &[_],
        ),
        (
            "gzip;q=0.5, Trailers",
            &[("te", "trailers"), ("connection", "te")],
        ),
        ("gzip", &[]),
    ] {
        let mut headers = map(&[("connection", "te"), ("te", te), ("expect", "100-continue")]);
        let trailers = prepare(&mut headers);
        let mut http2 = headers.clone();
        to_http1(&mut headers, trailers, None);
        assert_eq!(headers, map(expected), "{te}");
        assert_eq!(to_http2(&mut http2, trailers), None);
        let without_connection = &expected[..expected.len().min(1)];
        assert_eq!(http2, map(without_connection), "{te}");
    }
}

#[test]
fn an_upgrade_needs_both_headers() {
    let asked = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "websocket"),
    ];
    let mut headers = map(&asked);
    let protocol = upgrade(&headers);
    assert_eq!(protocol, Some(HeaderValue::from_static("websocket")));
    let trailers = prepare(&mut headers);
    to_http1(&mut headers, trailers, protocol);
    assert_eq!(
        headers,
        map(&[("connection", "upgrade"), ("upgrade", "websocket")])
    );
    assert_eq!(upgrade(&map(&asked[1..])), None);
    assert_eq!(upgrade(&map(&asked[..1])), None);
}

#[test]
fn no_tunnel_leads_to_another_version_of_http() {
    for protocols in ["h2c", "H2C", "websocket, h2c", "HTTP/2.0", "h2"] {
        let asked = map(&[("connection", "upgrade"), ("upgrade", protocols)]);
        assert_eq!(upgrade(&asked), None, "{protocols}");
    }
    let twice = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("upgrade", "h2c"),
    ];
    assert_eq!(upgrade(&map(&twice)), None);
}

#[test]
fn an_http2_backend_gets_no_headers_of_the_connection() {
    let mut headers = map(&[
        ("host", "a:80"),
        ("connection", "x-secret"),
        ("x-secret", "set by a filter"),
        ("transfer-encoding", "chunked"),
        ("grpc-timeout", "1S"),
    ]);
    let authority = to_http2(&mut headers, true);
    assert_eq!(authority, Some(HeaderValue::from_static("a:80")));
    assert_eq!(headers, map(&[("grpc-timeout", "1S"), ("te", "trailers")]));
}

#[test]
fn an_http1_backend_gets_one_cookie_header() {
    let mut headers = map(&[("cookie", "a=1"), ("cookie", "b=2; c=3"), ("cookie", "d=4")]);
    to_http1(&mut headers, false, None);
    assert_eq!(headers, map(&[("cookie", "a=1; b=2; c=3; d=4")]));
    let one = map(&[("cookie", "a=1")]);
    let mut headers = one.clone();
    to_http1(&mut headers, false, None);
    assert_eq!(headers, one);
}

#[test]
fn a_length_beside_chunks_does_not_go_on() {
    let both = [("content-length", "2"), ("transfer-encoding", "chunked")];
    let mut headers = map(&both);
    answer(&mut headers);
    assert_eq!(headers, map(&[]));
    let mut headers = map(&both[..1]);
    answer(&mut headers);
    assert_eq!(headers, map(&both[..1]));
}

#[test]
fn the_client_joins_the_list_and_the_rest_is_ours() {
    let mut headers = map(&[
        ("host", "a:80"),
        ("x-forwarded-for", "198.51.100.1"),
        ("x-forwarded-for", "198.51.100.2, 198.51.100.3"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "spoofed"),
    ]);
    add_forwarded(
        &mut headers,
        &client_address("::ffff:192.0.2.7".parse().unwrap()),
        Scheme::Https,
    );
    let list = "198.51.100.1, 198.51.100.2, 198.51.100.3, 192.0.2.7";
    let expected = map(&[
        ("host", "a:80"),
        ("x-forwarded-for", list),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "a:80"),
    ]);
    assert_eq!(headers, expected);
    headers.remove("host");
    let client = client_address("2001:db8::1".parse().unwrap());
    add_forwarded(&mut headers, &client, Scheme::Http);
    assert!(!headers.contains_key("x-forwarded-host"));
    assert_eq!(headers["x-forwarded-for"], *format!("{list}, 2001:db8::1"));
    headers.remove("x-forwarded-for");
    add_forwarded(&mut headers, &client, Scheme::Http);
    assert_eq!(headers["x-forwarded-for"], "2001:db8::1");
}
