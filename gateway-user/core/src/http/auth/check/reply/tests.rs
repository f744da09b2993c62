//! What answers mean, and which mean nothing.

use super::*;
use crate::http::auth::{check::frame, wire::Message};

fn header_map(pairs: &[(&'static str, &'static [u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_bytes(value).expect("a value"));
    }
    headers
}

fn message(fields: impl FnOnce(&mut Message)) -> Message {
    let mut message = Message::default();
    fields(&mut message);
    message
}

fn status(code: u64) -> Message {
    message(|m| m.number(1, code))
}

/// A `HeaderValueOption`.
fn option(name: &str, value: &str, append: Option<bool>, action: u64) -> Message {
    message(|m| {
        m.message(
            1,
            &message(|m| {
                m.text(1, name);
                m.text(2, value);
            }),
        );
        if let Some(append) = append {
            m.message(2, &message(|m| m.number(1, u64::from(append))));
        }
        m.number(3, action);
    })
}

fn set(name: &str, value: &str) -> Message {
    option(name, value, None, 0)
}

fn response(fields: impl FnOnce(&mut Message)) -> Result<Decision, Nonsense> {
    read(&frame(&message(fields).into_bytes()))
}

fn allowed(fields: impl FnOnce(&mut Message)) -> Result<Allowance, Nonsense> {
    let decision = response(|m| {
        m.message(1, &status(0));
        m.message(3, &message(fields));
    })?;
    match decision {
        Decision::Allowed(allowance) => Ok(allowance),
        Decision::Denied(denial) => panic!("{denial:?}"),
    }
}

fn denied(fields: impl FnOnce(&mut Message)) -> Result<Denial, Nonsense> {
    let decision = response(|m| {
        m.message(1, &status(7));
        m.message(2, &message(fields));
    })?;
    match decision {
        Decision::Denied(denial) => Ok(denial),
        Decision::Allowed(allowance) => panic!("{allowance:?}"),
    }
}

#[test]
fn only_a_status_or_an_answer_for_the_allowed_allows() {
    let allows = |fields: &dyn Fn(&mut Message)| match response(fields) {
        Ok(Decision::Allowed(_)) => Ok(true),
        Ok(Decision::Denied(denial)) => {
            assert_eq!(denial.status, StatusCode::FORBIDDEN);
            Ok(false)
        }
        Err(nonsense) => Err(nonsense),
    };
    let empty = &Message::default();
    assert_eq!(allows(&|m| m.message(1, empty)), Ok(true));
    assert_eq!(allows(&|m| m.message(3, empty)), Ok(true));
    assert_eq!(allows(&|m| m.message(2, empty)), Ok(false));
    for code in [1, 7, 16, u64::MAX] {
        assert_eq!(allows(&|m| m.message(1, &status(code))), Ok(false));
        let both = |m: &mut Message| {
            m.message(1, &status(code));
            m.message(3, empty);
        };
        assert_eq!(
            allows(&both),
            Ok(false),
            "{code} with an answer for the allowed"
        );
    }
    assert_eq!(allows(&|_| {}), Err(Nonsense::NoDecision));
    assert_eq!(allows(&|m| m.number(1, 1)), Err(Nonsense::NoDecision));
    let both = |m: &mut Message| {
        m.message(1, empty);
        m.message(2, empty);
    };
    assert_eq!(allows(&both), Err(Nonsense::Contradiction));
    let last_of_one = |m: &mut Message| {
        m.message(3, empty);
        m.message(2, empty);
    };
    assert_eq!(
        allows(&last_of_one),
        Ok(false),
        "the last of a oneof counts"
    );
}

#[test]
fn an_allowance_changes_request_and_answer() {
    let allowance = allowed(|m| {
        m.message(2, &set("X-User", "ann"));
        m.message(2, &option("x-list", "b", Some(true), 0));
        m.message(2, &option("x-list", "c", None, 1));
        m.message(2, &option("x-over", "new", None, 3));
        m.message(2, &set("host", "inner.example"));
        for name in ["authorization", "Host", ":path", "content-length", "x-none"] {
            m.text(5, name);
        }
        m.message(6, &option("set-cookie", "a=1", Some(true), 0));
        m.message(
            7,
            &message(|m| {
                m.text(1, "tenant");
                m.text(2, "a b");
            }),
        );
        m.text(8, "token");
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
    let denial = denied(|m| {
        m.message(1, &status(401));
        m.message(2, &set("www-authenticate", "Basic"));
        m.message(2, &option("set-cookie", "a=1", Some(true), 0));
        m.message(2, &option("set-cookie", "b=2", Some(true), 0));
        for name in ["content-length", "connection", "transfer-encoding", "host"] {
            m.message(2, &set(name, "9"));
        }
        m.text(3, "who are you?");
    });
    let expected = Denial {
        status: StatusCode::UNAUTHORIZED,
        headers: header_map(&[
            ("www-authenticate", b"Basic"),
            ("set-cookie", b"a=1"),
            ("set-cookie", b"b=2"),
        ]),
        body: b"who are you?".to_vec(),
    };
    assert_eq!(denial, Ok(expected));
    for code in [100, 199, 600, 65_536 + 200, u64::MAX] {
        let denial = denied(|m| m.message(1, &status(code)));
        assert_eq!(denial, Err(Nonsense::Status(code)));
    }
}

#[test]
fn what_cannot_be_done_is_not_done_in_part() {
    let header = |option: Message| allowed(|m| m.message(2, &option)).err();
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
    let answer = allowed(|m| m.message(6, &set("host", "b.example"))).err();
    assert_eq!(answer, Some(Nonsense::Header(host)));
    assert_eq!(allowed(|m| m.bytes(8, b"\xff")).err(), Some(Nonsense::Text));
}

#[test]
fn a_raw_value_counts_where_there_is_no_other() {
    let raw = message(|m| {
        m.message(
            1,
            &message(|m| {
                m.text(1, "x-user");
                m.bytes(3, b"caf\xe9");
            }),
        );
    });
    let allowance = allowed(|m| m.message(2, &raw)).expect("an allowance");
    let mut headers = HeaderMap::new();
    assert!(allowance.apply(&mut headers, &mut Uri::from_static("/")));
    assert_eq!(headers, header_map(&[("x-user", b"caf\xe9")]));
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
        (b"\0\0\0\0\x00", Nonsense::NoDecision),
        (b"\0\0\0\0\x09not proto", Nonsense::Wire),
    ] {
        assert_eq!(read(bytes).err(), Some(nonsense), "{bytes:?}");
    }
    let twice = [good.as_slice(), &good].concat();
    assert_eq!(read(&twice), Err(Nonsense::Framing), "several messages");
}
