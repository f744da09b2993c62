//! Reading while the bytes come finds what reading them at once finds.

use super::{HOST, extension, grease, hello, host, list, message, read, records};
use crate::client_hello::{AHEAD, MAX, Scan, Stop};

/// Looks after each of the cuts, and at the end.
fn scan(bytes: &[u8], cuts: &[usize]) -> Result<Option<String>, Stop> {
    let mut scan = Scan::NEW;
    let room = [bytes, &[22; AHEAD]].concat();
    for cut in cuts {
        match scan.look(&room, u32::try_from(*cut).unwrap()) {
            Err(Stop::Incomplete(_)) => {}
            Err(stop) => return Err(stop),
            Ok(()) => return Ok(found(&scan)),
        }
    }
    scan.look(&room, u32::try_from(bytes.len()).unwrap())?;
    Ok(found(&scan))
}

fn found(scan: &Scan) -> Option<String> {
    Some(scan.name()?.as_str().to_owned())
}

/// Both agree about the whole: on the name, on going on, or on refusing.
fn agree(bytes: &[u8], cuts: &[usize]) -> Option<String> {
    let (whole, parts) = (read(bytes), scan(bytes, cuts));
    match (&whole, &parts) {
        (Ok(one), Ok(other)) => assert_eq!(one, other, "{bytes:x?} {cuts:?}"),
        (Err(Stop::Incomplete(_)), Err(Stop::Incomplete(_))) => {}
        (Err(_), Err(Stop::Incomplete(_))) => panic!("{whole:?}: {bytes:x?} {cuts:?}"),
        // Told by a length before the last byte is there.
        (Err(_), Err(_)) => {}
        _ => panic!("{whole:?} {parts:?}: {bytes:x?} {cuts:?}"),
    }
    parts.ok().flatten()
}

struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

#[test]
fn any_cut_into_records_and_looks_gives_the_same() {
    let message = message(&[grease(), list(HOST), extension(51, &[9; 300])].concat());
    for size in [1, 2, 3, 5, 7, 64, 99, 100, 1 << 14] {
        let bytes = records(&message, size);
        let name = agree(&bytes, &[]);
        assert_eq!(name.as_deref(), Some("a.example.com"), "{size}");
        for cut in 0..bytes.len() {
            assert_eq!(scan(&bytes, &[cut]), Ok(name.clone()), "{size} {cut}");
            let part = scan(&bytes[..cut], &[]);
            assert!(matches!(part, Err(Stop::Incomplete(_))), "{size} {cut}");
        }
        let every: Vec<_> = (0..bytes.len()).collect();
        assert_eq!(scan(&bytes, &every), Ok(name), "{size}");
    }
}

#[test]
fn names_are_told_from_addresses_and_nonsense() {
    let names: [&[u8]; 15] = [
        b"localhost",
        b"a_B-1.Example.com",
        b"192.0.2.1",
        b"192.0.2.256",
        b"192.0.2.01",
        b"0.0.0.0",
        b"1.192.0.2.1",
        b"192.0.2",
        b".",
        b"a..b",
        b".a",
        b"*.example.com",
        b"a\0.example.com",
        b"\xff\xfe",
        b"99999999999999999999.0.2.1",
    ];
    for name in names {
        agree(&hello(&[host(name), grease()]), &[]);
    }
    agree(&hello(&[host(&b"a".repeat(63))]), &[]);
    agree(&hello(&[host(&b"a".repeat(64))]), &[]);
    agree(
        &hello(&[host(&[b"a.".repeat(126), b"bc".to_vec()].concat())]),
        &[],
    );
    agree(&hello(&[host(&b"a.".repeat(128))]), &[]);
    // Those that differ: names that may not be sent at all.
    for (name, expected) in [
        (&b"2001:db8::1"[..], None),
        (b"a.example.", Some("a.example")),
    ] {
        let bytes = hello(&[host(name)]);
        assert_eq!(scan(&bytes, &[]), Err(Stop::Malformed));
        assert_eq!(read(&bytes), Ok(expected.map(str::to_owned)));
    }
}

#[test]
fn what_is_no_hello_is_refused_as_by_the_whole() {
    for other in [
        &b"G"[..],
        b"SSH-2.0",
        &[23],
        &[22, 2],
        &[22, 3, 1, 0, 9, 2],
        &[0x80, 0x2e, 1, 3, 1],
    ] {
        assert_eq!(scan(other, &[]), Err(Stop::NotTls), "{other:x?}");
    }
    for length in [[0, 0], [0x40, 1]] {
        let header = [&[22, 3, 1][..], &length].concat();
        assert_eq!(scan(&header, &[]), Err(Stop::Malformed));
    }
    let long = [22, 3, 1, 0, 9, 1, 0, 0x40, 1];
    assert_eq!(scan(&long, &[]), Err(Stop::TooLong));
    let fits = hello(&[extension(21, &[0; 16_000]), list(HOST)]);
    assert_eq!(scan(&fits, &[]), Ok(Some("a.example.com".into())));
    // Each byte in a record of its own: not read to the end in one look.
    let fine = records(&message(&extension(21, &[0; 2_500])), 1);
    assert!(fine.len() < MAX);
    assert_eq!(scan(&fine, &[]), Err(Stop::TooLong));
}

#[test]
fn random_changes_confuse_neither() {
    let good = records(&message(&[grease(), list(HOST), grease()].concat()), 40);
    let (mut draw, mut names) = (Draw(1), 0);
    for _ in 0..100_000 {
        let mut bytes = good.clone();
        for _ in 0..=draw.below(3) {
            let at = draw.below(bytes.len());
            let byte = u8::try_from(draw.below(256)).unwrap();
            // IPv6 addresses and final dots are where the two differ.
            bytes[at] = if b":.".contains(&byte) { 0 } else { byte };
        }
        bytes.truncate(1 + draw.below(2 * bytes.len()));
        let mut cuts: Vec<_> = (0..draw.below(4))
            .map(|_| draw.below(bytes.len()))
            .collect();
        cuts.sort_unstable();
        names += usize::from(agree(&bytes, &cuts).is_some());
    }
    assert!(names > 5_000, "{names}: most changes should not matter");
}
