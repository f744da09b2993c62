//! What answers mean, and which mean nothing.

use super::*;
use crate::http::auth::check::{
    frame,
    messages::{Header, HttpStatus, Status},
};

fn header_map(pairs: &[(&'static str, &'static [u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_bytes(value).expect("a value"));
    }
    headers
}

fn option(key: &str, value: &str, append: Option<bool>, append_action: i32) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(Header {
            key: key.to_owned(),
            value: value.to_owned(),
            raw_value: Vec::new(),
        }),
        append,
        append_action,
    }
}

fn set(name: &str, value: &str) -> HeaderValueOption {
    option(name, value, None, 0)
}

fn response(code: Option<i32>, http_response: Option<HttpResponse>) -> Result<Decision, Nonsense> {
    let status = code.map(|code| Status {
        code,
        message: String::new(),
    });
    let response = CheckResponse {
        status,
        http_response,
    };
    read(&frame(&response.encode_to_vec()))
}

fn allowed(ok: OkHttpResponse) -> Result<Allowance, Nonsense> {
    match response(Some(0), Some(HttpResponse::Ok(ok)))? {
        Decision::Allowed(allowance) => Ok(allowance),
        Decision::Denied(denial) => panic!("{denial:?}"),
    }
}

fn denied(denied: DeniedHttpResponse) -> Result<Denial, Nonsense> {
    match response(Some(7), Some(HttpResponse::Denied(denied)))? {
        Decision::Denied(denial) => Ok(denial),
        Decision::Allowed(allowance) => panic!("{allowance:?}"),
    }
}

/// The bytes of messages from another encoder, with the fields of Envoy's files.
fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.trim().as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).expect("digits"), 16);
    digits.map(|pair| byte(pair).expect("digits")).collect()
}

#[test]
fn only_a_status_or_an_answer_for_the_allowed_allows() {
    let allows = |code, http_response| match response(code, http_response) {
        Ok(Decision::Allowed(_)) => Ok(true),
        Ok(Decision::Denied(denial)) => {
            assert_eq!(denial.status, StatusCode::FORBIDDEN);
            Ok(false)
        }
        Err(nonsense) => Err(nonsense),
    };
    let ok = || Some(HttpResponse::Ok(OkHttpResponse::default()));
    let no = || Some(HttpResponse::Denied(DeniedHttpResponse::default()));
    assert_eq!(allows(Some(0), None), Ok(true));
    assert_eq!(allows(None, ok()), Ok(true));
    assert_eq!(allows(None, no()), Ok(false));
    for code in [1, 7, 16, -1] {
        assert_eq!(allows(Some(code), None), Ok(false));
        assert_eq!(allows(Some(code), no()), Ok(false));
        let both = allows(Some(code), ok());
        assert_eq!(both, Ok(false), "{code} with an answer for the allowed");
    }
    assert_eq!(allows(None, None), Err(Nonsense::NoDecision));
    assert_eq!(allows(Some(0), no()), Err(Nonsense::Contradiction));
    let last_of_one = read(&frame(b"\x1a\x00\x12\x00"));
    assert!(
        matches!(last_of_one, Ok(Decision::Denied(_))),
        "the last of a oneof counts"
    );
}

#[test]
fn fields_are_those_of_the_protocol() {
    let Ok(Decision::Allowed(allowance)) = read(&frame(&bytes(include_str!("tests/ok.hex"))))
    else {
        panic!("it allows");
    };
    let header = |name, value: &[u8]| {
        let value = HeaderValue::from_bytes(value).expect("a value");
        (HeaderName::from_static(name), value)
    };
    let (user, raw) = (header("x-user", b"ann"), header("x-raw", b"caf\xe9"));
    let cookie = header("set-cookie", b"a=1");
    let tenant = QueryParameter {
        key: "tenant".to_owned(),
        value: "a b".to_owned(),
    };
    let expected = Allowance {
        headers: vec![Edit::Append(user.0, user.1), Edit::Overwrite(raw.0, raw.1)],
        remove: vec![header::AUTHORIZATION],
        answer: vec![Edit::Set(cookie.0, cookie.1)],
        set_query: vec![tenant],
        remove_query: vec!["token".to_owned()],
    };
    assert_eq!(allowance, expected);
    let denial = read(&frame(&bytes(include_str!("tests/denied.hex"))));
    let expected = Denial {
        status: StatusCode::UNAUTHORIZED,
        headers: header_map(&[("www-authenticate", b"Basic")]),
        body: "who?".to_owned(),
    };
    assert_eq!(denial, Ok(Decision::Denied(expected)));
}

#[test]
fn an_allowance_changes_request_and_answer() {
    let allowance = allowed(OkHttpResponse {
        headers: vec![
            set("X-User", "ann"),
            option("x-list", "b", Some(true), 0),
            option("x-list", "c", None, 1),
            option("x-over", "new", None, 3),
            set("host", "inner.example"),
        ],
        headers_to_remove: ["authorization", "Host", ":path", "content-length", "x-none"]
            .map(str::to_owned)
            .into(),
        response_headers_to_add: vec![option("set-cookie", "a=1", Some(true), 0)],
        query_parameters_to_set: vec![QueryParameter {
            key: "tenant".to_owned(),
            value: "a b".to_owned(),
        }],
        query_parameters_to_remove: vec!["token".to_owned()],
    });
    let allowance = allowance.expect("an allowance");
    let mut headers = header_map(&[
        ("host", b"shop.example"),
        ("x-user", b"root"),
        ("x-list", b"a"),
        ("authorization", b"Bearer t"),
        ("content-length", b"3"),
    ]);
    let mut target = Uri::from_static("/cart?token=1&x=2");
    assert!(allowance.apply(&mut headers, &mut target));
    let expected = header_map(&[
        ("host", b"inner.example"),
        ("x-user", b"ann"),
        ("x-list", b"a"),
        ("x-list", b"b"),
        ("content-length", b"3"),
    ]);
    assert_eq!(headers, expected);
    assert_eq!(target, "/cart?x=2&tenant=a+b");
    let cookie = (
        HeaderName::from_static("set-cookie"),
        HeaderValue::from_static("a=1"),
    );
    assert_eq!(allowance.into_answer(), [Edit::Append(cookie.0, cookie.1)]);
}

#[test]
fn a_denial_is_an_answer() {
    let framing = ["content-length", "connection", "transfer-encoding", "host"];
    let own = [
        set("www-authenticate", "Basic"),
        option("set-cookie", "a=1", Some(true), 0),
        option("set-cookie", "b=2", Some(true), 0),
    ];
    let headers = own.into_iter().chain(framing.map(|name| set(name, "9")));
    let denial = denied(DeniedHttpResponse {
        status: Some(HttpStatus { code: 401 }),
        headers: headers.collect(),
        body: "who are you?".to_owned(),
    });
    let expected = Denial {
        status: StatusCode::UNAUTHORIZED,
        headers: header_map(&[
            ("www-authenticate", b"Basic"),
            ("set-cookie", b"a=1"),
            ("set-cookie", b"b=2"),
        ]),
        body: "who are you?".to_owned(),
    };
    assert_eq!(denial, Ok(expected));
    for code in [100, 199, 600, 65_536 + 200, -1] {
        let denial = denied(DeniedHttpResponse {
            status: Some(HttpStatus { code }),
            ..DeniedHttpResponse::default()
        });
        assert_eq!(denial, Err(Nonsense::Status(code)));
    }
}

#[test]
fn what_cannot_be_done_is_not_done_in_part() {
    let header = |option: HeaderValueOption| {
        let ok = OkHttpResponse {
            headers: vec![option],
            ..OkHttpResponse::default()
        };
        allowed(ok).err()
    };
    assert_eq!(
        header(set(":path", "/")),
        Some(Nonsense::Name(":path".into()))
    );
    assert_eq!(header(set("", "x")), Some(Nonsense::Name(String::new())));
    let user = HeaderName::from_static("x-user");
    assert_eq!(
        header(set("x-user", "a\r\nx-b: c")),
        Some(Nonsense::Value(user))
    );
    assert_eq!(
        header(option("x-user", "a", None, 4)),
        Some(Nonsense::Action(4))
    );
    for name in [
        "content-length",
        "transfer-encoding",
        "connection",
        "te",
        "upgrade",
    ] {
        let name = HeaderName::from_static(name);
        assert_eq!(
            header(set(name.as_str(), "1")),
            Some(Nonsense::Header(name))
        );
    }
    let second = option("host", "b.example", Some(true), 0);
    let host = HeaderName::from_static("host");
    assert_eq!(header(second), Some(Nonsense::Header(host.clone())));
    let answer = allowed(OkHttpResponse {
        response_headers_to_add: vec![set("host", "b.example")],
        ..OkHttpResponse::default()
    });
    assert_eq!(answer.err(), Some(Nonsense::Header(host)));
}

#[test]
fn a_raw_value_counts_where_there_is_no_other() {
    let raw = |value: &str| {
        let mut option = set("x-user", value);
        if let Some(header) = &mut option.header {
            header.raw_value = b"caf\xe9".to_vec();
        }
        option
    };
    for (value, expected) in [("", &b"caf\xe9"[..]), ("ann", b"ann")] {
        let edit = edit(raw(value)).expect("an edit");
        let mut headers = HeaderMap::new();
        edit.apply(&mut headers);
        assert_eq!(headers["x-user"].as_bytes(), expected);
    }
}

#[test]
fn what_is_not_one_message_is_told() {
    let good = frame(b"\x0a\x00");
    assert!(matches!(read(&good), Ok(Decision::Allowed(_))));
    for (bytes, nonsense) in [
        (&b""[..], Nonsense::Framing),
        (b"\0\0\0\0", Nonsense::Framing),
        (b"\0\0\0\0\x03\x0a\x00", Nonsense::Framing),
        (b"\0\0\0\0\x01\x0a\x00", Nonsense::Framing),
        (b"\x02\0\0\0\x02\x0a\x00", Nonsense::Framing),
        (b"\x01\0\0\0\x02\x0a\x00", Nonsense::Compressed),
        (b"\0\0\0\0\x02\x0a\x01", Nonsense::Wire),
        (b"\0\0\0\0\x04\x0a\x02\x08\x80", Nonsense::Wire),
        // A text that is not UTF-8, and a number in place of a message.
        (b"\0\0\0\0\x05\x1a\x03\x42\x01\xff", Nonsense::Wire),
        (b"\0\0\0\0\x02\x08\x01", Nonsense::Wire),
        (b"\0\0\0\0\x00", Nonsense::NoDecision),
        (b"\0\0\0\0\x09not proto", Nonsense::Wire),
    ] {
        assert_eq!(read(bytes).err(), Some(nonsense), "{bytes:?}");
    }
    let twice = [good.as_slice(), &good].concat();
    assert_eq!(read(&twice), Err(Nonsense::Framing), "several messages");
}
