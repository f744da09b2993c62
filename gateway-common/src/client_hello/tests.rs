//! Hellos built byte by byte; those of a real client are in the tests of gateway-core.

mod resumed;
mod steps;

use super::{MAX, Stop, server_name};

const HOST: &[u8] = b"\x00\x00\x0dA.Example.com";

/// An extension.
fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut out = kind.to_be_bytes().to_vec();
    out.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    out.extend(data);
    out
}

/// The extension `server_name` with a list of names.
fn list(names: &[u8]) -> Vec<u8> {
    let mut data = u16::try_from(names.len()).unwrap().to_be_bytes().to_vec();
    data.extend(names);
    extension(0, &data)
}

fn host(name: &[u8]) -> Vec<u8> {
    let mut names = vec![0];
    names.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
    names.extend(name);
    list(&names)
}

/// A handshake message with these bytes for extensions.
fn message(extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([4, 1, 2, 3, 4]);
    // GREASE first (RFC 8701), as browsers have it.
    body.extend([0, 4, 0x2a, 0x2a, 0x13, 0x01, 1, 0]);
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut out = vec![1, 0];
    out.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    out.extend(body);
    out
}

/// Cut into records of at most `size` bytes.
fn records(message: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for fragment in message.chunks(size) {
        out.extend([22, 3, 1]);
        out.extend(u16::try_from(fragment.len()).unwrap().to_be_bytes());
        out.extend(fragment);
    }
    out
}

fn grease() -> Vec<u8> {
    extension(0x2a2a, &[])
}

fn hello(extensions: &[Vec<u8>]) -> Vec<u8> {
    records(&message(&extensions.concat()), 1 << 14)
}

fn read(bytes: &[u8]) -> Result<Option<String>, Stop> {
    Ok(server_name(bytes)?.map(|name| name.as_str().into()))
}

#[test]
fn names() {
    let none = Ok(None);
    let malformed = Err(Stop::Malformed);
    let some = |name: &str| Ok(Some(name.into()));
    let long = [
        b"a".repeat(63),
        b"b".repeat(63),
        b"c".repeat(63),
        b"d".repeat(61),
    ];
    let long = long.join(&b'.');
    let cases = [
        (vec![], none.clone()),
        (vec![grease(), list(HOST), grease()], some("a.example.com")),
        (vec![host(b"localhost")], some("localhost")),
        (vec![host(b"a_b-1.example.com.")], some("a_b-1.example.com")),
        (
            vec![host(&long)],
            some(core::str::from_utf8(&long).unwrap()),
        ),
        (vec![host(b"192.0.2.1")], none.clone()),
        (vec![host(b"2001:db8::1")], none.clone()),
        // A kind of name that nobody knows, before the host name.
        (
            vec![list(&[b"\x07\x00\x01x", HOST].concat())],
            some("a.example.com"),
        ),
        (vec![list(b"\x07\x00\x01x")], none),
        (vec![host(b"")], malformed.clone()),
        (vec![host(b".")], malformed.clone()),
        (vec![host(b"a..b")], malformed.clone()),
        (vec![host(b".a")], malformed.clone()),
        (vec![host(b"a..")], malformed.clone()),
        (vec![host(b"*.example.com")], malformed.clone()),
        (vec![host(b"a\0.example.com")], malformed.clone()),
        (
            vec![host("b\u{fc}cher.example".as_bytes())],
            malformed.clone(),
        ),
        (vec![host(b"\xff\xfe")], malformed.clone()),
        (vec![host(&b"a".repeat(64))], malformed.clone()),
        (vec![host(&b"a.".repeat(128))], malformed.clone()),
        (vec![list(b"")], malformed.clone()),
        (vec![list(&[HOST, HOST].concat())], malformed.clone()),
        (vec![list(HOST), list(HOST)], malformed.clone()),
        (vec![extension(0, &[])], malformed.clone()),
        (
            vec![extension(0, &[0, 9, 0, 0, 1, b'a'])],
            malformed.clone(),
        ),
        (
            vec![extension(0, &[0, 4, 0, 0, 9, b'a'])],
            malformed.clone(),
        ),
        (vec![vec![0, 0, 0]], malformed.clone()),
        (vec![vec![0, 9, 0, 9, 1]], malformed),
    ];
    for (extensions, expected) in cases {
        assert_eq!(read(&hello(&extensions)), expected, "{extensions:x?}");
    }
}

#[test]
fn a_hello_without_extensions_has_no_name() {
    let mut message = message(&[]);
    message.truncate(message.len() - 2);
    let last = message.len() - 4;
    message[3] = u8::try_from(last).unwrap();
    assert_eq!(read(&records(&message, 100)), Ok(None));
    // Lengths that leave something over, or less than nothing.
    message[3] -= 1;
    assert_eq!(read(&records(&message, 100)), Err(Stop::Malformed));
}

/// Whether it is good enough is for who ends TLS to say.
#[test]
fn a_hello_of_an_old_version_has_its_name() {
    // TLS 1.0, 1.1 and 1.2, which 1.3 calls itself too (RFC 8446 section 4.1.2).
    for minor in 1..=3 {
        let mut bytes = hello(&[list(HOST)]);
        assert_eq!(bytes[9..11], [3, 3], "the version of the hello");
        (bytes[2], bytes[10]) = (minor, minor);
        assert_eq!(read(&bytes), Ok(Some("a.example.com".into())), "3.{minor}");
    }
}

#[test]
fn any_cut_into_records_and_segments_gives_the_same() {
    let message = message(&[grease(), list(HOST), extension(51, &[9; 300])].concat());
    for size in [1, 2, 3, 5, 7, 64, 99, 100, 1 << 14] {
        let mut bytes = records(&message, size);
        let end = bytes.len();
        // What follows, such as early data, is not looked at.
        bytes.extend([23, 3, 3, 0, 1, 0]);
        for cut in 0..bytes.len() {
            let found = read(&bytes[..cut]);
            if cut >= end {
                assert_eq!(found, Ok(Some("a.example.com".into())), "{size} {cut}");
                continue;
            }
            let Err(Stop::Incomplete(more)) = found else {
                panic!("{size} {cut}: {found:?}");
            };
            assert!((1..=end - cut).contains(&more), "{size} {cut}: {more}");
        }
    }
}

/// Waiting for as many bytes as are said to be missing takes few looks, however fine the cut is.
#[test]
fn few_looks_are_needed() {
    let bytes = records(&message(&extension(51, &[9; 2000])), 1);
    let (mut length, mut looks) = (0, 0);
    while let Err(Stop::Incomplete(more)) = read(&bytes[..length]) {
        length += more;
        looks += 1;
    }
    assert_eq!(read(&bytes[..length]), Ok(None));
    assert!(looks < 60, "{looks}");
}

#[test]
fn other_protocols_are_told_at_their_first_wrong_byte() {
    for other in [
        &b"G"[..],
        b"SSH-2.0",
        &[23],
        &[22, 2],
        &[22, 3, 1, 0, 9, 2],
        // The form of SSL 2.0, in which TLS 1.0 may be offered (RFC 2246 appendix E).
        &[0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10],
    ] {
        assert_eq!(read(other), Err(Stop::NotTls), "{other:x?}");
    }
    assert_eq!(read(&[]), Err(Stop::Incomplete(6)));
    assert_eq!(read(&[22, 3, 1, 0, 0]), Err(Stop::Malformed));
    assert_eq!(read(&[22, 3, 1, 0x40, 1]), Err(Stop::Malformed));
    // A second record of another type inside of the hello.
    let mut bytes = records(&message(&list(HOST)), 50);
    bytes[55] = 23;
    assert_eq!(read(&bytes), Err(Stop::NotTls));
}

#[test]
fn hellos_have_a_limit() {
    let fits = hello(&[extension(21, &[0; 16_000]), list(HOST)]);
    assert_eq!(read(&fits), Ok(Some("a.example.com".into())));
    assert_eq!(read(&[22, 3, 1, 0, 9, 1, 0, 0x40, 1]), Err(Stop::TooLong));
    let fine = records(&message(&extension(21, &[0; 8_000])), 1);
    assert_eq!(read(&fine[..MAX]), Err(Stop::TooLong));
    assert!(matches!(read(&fine[..MAX - 1]), Err(Stop::Incomplete(_))));
}

/// Whatever comes, there is an answer, and a name that comes out is one.
#[test]
fn random_changes_never_confuse() {
    let good = records(&message(&[grease(), list(HOST), grease()].concat()), 40);
    let mut state = 1_u64;
    let mut draw = |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let mut names = 0;
    for _ in 0..200_000 {
        let mut bytes = good.clone();
        for _ in 0..=draw(3) {
            let at = draw(bytes.len());
            bytes[at] = u8::try_from(draw(256)).unwrap();
        }
        bytes.truncate(1 + draw(2 * bytes.len()));
        if let Ok(Some(name)) = read(&bytes) {
            names += 1;
            let plain = |b: u8| b.is_ascii_graphic() && !b.is_ascii_uppercase();
            assert!(name.bytes().all(plain) && !name.ends_with('.'), "{name:?}");
        }
    }
    assert!(names > 10_000, "{names}: most changes should not matter");
}
