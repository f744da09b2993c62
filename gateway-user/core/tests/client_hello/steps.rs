//! Reading a hello in steps, as the kernel does, finds the name that rustls' own parser finds, in the
//! hellos of real clients and in broken ones, whatever they are cut into.
//!
//! Where the two may differ, in broken hellos only:
//! - rustls reads all of a hello, and refuses it for what is no matter here, so that there may be a
//!   name where rustls refuses;
//! - rustls waits for the end of the record, which may be behind that of the hello, and judges nothing
//!   before;
//! - rustls does not look at what is behind the first name of the list; here that is malformed where
//!   it is no other entry.
//!
//! Where both find a name, or find that there is none, they agree.

use gateway_common::client_hello::{AHEAD, Scan, Stop};
use rustls::{server::Acceptor, version};

use super::Offer;

struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

fn hellos() -> Vec<Vec<u8>> {
    let both: &[_] = &[&version::TLS12, &version::TLS13];
    let mut hellos = Vec::new();
    for name in [
        "a.example",
        "ABC.a-long-name-of-a-shop.example.com",
        "192.0.2.1",
    ] {
        for versions in [both, &both[..1], &both[1..]] {
            for (is_small, protocols) in [(false, 0), (true, 2), (true, 300)] {
                for fragment in [None, Some(100), Some(32)] {
                    for sends_name in [true, false] {
                        let offer = Offer {
                            versions,
                            is_small,
                            protocols,
                            fragment,
                            sends_name,
                        };
                        hellos.push(offer.hello(name));
                    }
                }
            }
        }
    }
    hellos
}

/// The name as rustls reads it; `Err(true)`: it waits for more.
fn reference(mut bytes: &[u8]) -> Result<Option<String>, bool> {
    let mut acceptor = Acceptor::default();
    while !bytes.is_empty() {
        acceptor.read_tls(&mut bytes).map_err(|_| false)?;
        if let Some(accepted) = acceptor.accept().map_err(|_| false)? {
            let hello = accepted.client_hello();
            return Ok(hello.server_name().map(str::to_ascii_lowercase));
        }
    }
    Err(true)
}

fn scan(bytes: &[u8], cuts: &[usize]) -> Result<Option<String>, Stop> {
    let room = [bytes, &[0xee; AHEAD]].concat();
    let mut scan = Scan::NEW;
    for cut in cuts.iter().copied().chain([bytes.len()]) {
        match scan.look(&room, u32::try_from(cut).expect("short")) {
            Ok(()) => return Ok(scan.name().map(|name| name.as_str().to_owned())),
            Err(Stop::Incomplete(_)) => {}
            Err(stop) => return Err(stop),
        }
    }
    Err(Stop::Incomplete(1))
}

fn cuts(draw: &mut Draw, bytes: usize) -> Vec<usize> {
    let mut cuts: Vec<_> = (0..draw.below(5)).map(|_| draw.below(bytes)).collect();
    cuts.sort_unstable();
    cuts
}

#[test]
fn hellos_of_clients_have_the_name_that_rustls_reads() {
    let mut draw = Draw(1);
    let mut names = 0;
    for hello in hellos() {
        let expected = reference(&hello).expect("a hello");
        names += usize::from(expected.is_some());
        let every: Vec<_> = (0..hello.len()).collect();
        assert_eq!(scan(&hello, &every), Ok(expected.clone()));
        for _ in 0..20 {
            let cuts = cuts(&mut draw, hello.len());
            assert_eq!(scan(&hello, &cuts), Ok(expected.clone()), "{cuts:?}");
        }
        for end in 0..hello.len() {
            let part = scan(&hello[..end], &[]);
            assert!(matches!(part, Err(Stop::Incomplete(_))), "{end}: {part:?}");
        }
    }
    assert_eq!(names, 54, "a third of all send an address, half nothing");
}

#[test]
fn of_broken_hellos_never_another_name_is_read() {
    let hellos = hellos();
    let mut draw = Draw(2);
    let (mut same, mut refused) = (0, 0);
    for turn in 0..60_000 {
        let mut bytes = hellos[turn % hellos.len()].clone();
        for _ in 0..=draw.below(3) {
            let most = bytes.len().min(300);
            let at = draw.below(most);
            bytes[at] = u8::try_from(draw.below(256)).expect("a byte");
        }
        if draw.below(4) == 0 {
            bytes.truncate(1 + draw.below(bytes.len()));
        }
        let cuts = cuts(&mut draw, bytes.len());
        match (reference(&bytes), scan(&bytes, &cuts)) {
            (Ok(theirs), Ok(ours)) => {
                assert_eq!(theirs, ours, "{bytes:x?} {cuts:?}");
                same += 1;
            }
            // Its length was made less, so that the list goes on behind it.
            (Ok(Some(theirs)), Err(Stop::Malformed)) => {
                let whole = reference(&hellos[turn % hellos.len()]);
                let whole = whole.ok().flatten().expect("a name");
                assert!(theirs.len() < whole.len(), "{bytes:x?} {cuts:?}");
            }
            (Ok(theirs), Err(stop)) => panic!("{theirs:?} {stop:?}: {bytes:x?} {cuts:?}"),
            (Err(_), Err(_)) => refused += 1,
            // Refused for what is no matter here, or its last record is not complete.
            (Err(_), Ok(_)) => {}
        }
    }
    assert!(same > 5_000 && refused > 5_000, "{same} {refused}");
}
