//! How much work usual hellos are: most of the kernel's for a new connection.

use super::{extension, host, records};
use crate::{
    abi::TlsKey,
    client_hello::{AHEAD, MAX, Scan},
};

/// Steps until the hello is read; the name is found then.
fn steps(bytes: &[u8]) -> u32 {
    let mut scan = Scan::NEW;
    let room = [bytes, &[0; AHEAD]].concat();
    let mut steps = 1;
    while !scan
        .step(&room, u32::try_from(bytes.len()).unwrap())
        .unwrap()
    {
        steps += 1;
    }
    assert_eq!(scan.name().unwrap().as_str(), "www.shop.example.com");
    // Bytes after it, too, for it is the key of a hash.
    let key = TlsKey::new(0, "www.shop.example.com", false);
    assert_eq!(Some(*scan.key()), key);
    steps
}

/// A hello with a session id and so many ciphers, and extensions of these types and lengths; type 0 is
/// the name.
fn hello(ciphers: usize, extensions: &[(u16, usize)]) -> Vec<u8> {
    let mut list = Vec::new();
    for (kind, length) in extensions {
        list.extend(match kind {
            0 => host(b"www.shop.example.com"),
            _ => extension(*kind, &vec![1; *length]),
        });
    }
    let mut body = [&[3, 3][..], &[7; 32], &[32], &[9; 32]].concat();
    body.extend(u16::try_from(2 * ciphers).unwrap().to_be_bytes());
    body.extend(vec![0x13; 2 * ciphers]);
    body.extend([1, 0]);
    body.extend(u16::try_from(list.len()).unwrap().to_be_bytes());
    body.extend(list);
    let mut message = vec![1, 0];
    message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    message.extend(body);
    records(&message, 1 << 14)
}

/// As `openssl s_client` of OpenSSL 3.0 sends them.
const OPENSSL: [(u16, usize); 11] = [
    (0, 0),
    (11, 4),
    (10, 22),
    (35, 0),
    (22, 0),
    (23, 0),
    (13, 42),
    (43, 9),
    (45, 2),
    (51, 38),
    (21, 187),
];
/// As browsers send them, with a share for X25519MLKEM768, and ECH.
const BROWSER: [(u16, usize); 17] = [
    (0x2a2a, 0),
    (16, 14),
    (5, 5),
    (65_037, 250),
    (0, 0),
    (35, 0),
    (43, 7),
    (11, 2),
    (23, 0),
    (18, 0),
    (51, 1_263),
    (45, 2),
    (10, 12),
    (65_281, 1),
    (27, 3),
    (13, 18),
    (0x3a3a, 1),
];

#[test]
fn a_usual_hello_takes_few() {
    let openssl = hello(31, &OPENSSL);
    assert_eq!(openssl.len(), 517);
    let browser = hello(16, &BROWSER);
    assert!((1_700..2_000).contains(&browser.len()), "{}", browser.len());
    // Header, type, length, session id, ciphers, compression, length of the extensions; each
    // extension; for the name its list, the entry and 8 letters each.
    assert_eq!(steps(&openssl), 7 + 11 + 5);
    assert_eq!(steps(&browser), 7 + 17 + 5);
}

/// Two for each record at most, one for each extension.
#[test]
fn any_hello_takes_few_for_what_it_is_made_of() {
    for size in [1, 2, 3, 16, 100] {
        let bytes = records(&hello(31, &OPENSSL)[5..], size);
        let most = 2 * bytes.len() / (size + 5) + 60;
        assert!(steps(&bytes) as usize <= most, "{size}");
    }
    let many: Vec<_> = [(0, 0)]
        .into_iter()
        .chain((0..2_000).map(|i| (100 + i, 4)))
        .collect();
    let bytes = hello(31, &many);
    assert!(bytes.len() < MAX && steps(&bytes) < 2_100);
}
