//! Single steps: a packet in, what it is, a packet out.

mod ends;
mod handing;
mod hellos;

use std::net::SocketAddr;

use super::{
    hello::hello,
    wire::{ACK, FIN, PSH, RST, SYN, Segment},
    world::{World, key_of},
};
use crate::{
    header::{Ipv4, Ipv6},
    packet::Buffer,
    splice::{
        Choice, Endpoint, Listener, Outcome, Scratch, Splice, Verdict, from_backend, from_client,
        state::{COLLECT, SPLICED},
    },
};

/// Initial numbers of the client and of a backend.
const CLIENT_ISN: u32 = 0xffff_fff0;
const BACKEND_ISN: u32 = 0x8000_0000;
/// First time stamps of both.
const CLIENT_STAMP: u32 = 77_000;
const BACKEND_STAMP: u32 = 5;

struct Bench {
    /// Of the last packet: nothing of it may count.
    scratch: Scratch,
    world: World,
    client: SocketAddr,
    gateway: SocketAddr,
    backends: [SocketAddr; 2],
    cookie: u32,
    /// What the client was told in the SYN-ACK.
    told: u32,
}

pub(super) fn address(family: u8, host: u8, port: u16) -> SocketAddr {
    match family {
        4 => ([192, 0, 2, host], port).into(),
        _ => ([0x2001, 0xdb8, 0, 0, 0, 0, 0, host.into()], port).into(),
    }
}

impl Bench {
    fn new(family: u8) -> Self {
        let gateway = address(family, 1, 443);
        let backends = [8, 9].map(|host| address(family, host, 8443));
        let mut world = World::new(
            gateway,
            Listener {
                mss: 1400,
                scale: 7,
            },
        );
        world.names.insert("a.example".into(), Choice::Service(7));
        world.names.insert("local.example".into(), Choice::Local);
        world.endpoints = backends
            .iter()
            .zip(1..)
            .map(|(backend, number)| Endpoint {
                address: backend.ip().into(),
                port: backend.port(),
                backend: number,
                mss: 1380,
                source: gateway.ip().into(),
                source_port: 0,
            })
            .collect();
        Self {
            scratch: Scratch::default(),
            world,
            client: address(family, 100, 40_000),
            gateway,
            backends,
            cookie: 0,
            told: 0,
        }
    }

    fn run(&mut self, segment: &Segment, from_a_client: bool) -> (Outcome, Option<Segment>) {
        let frame = segment.frame();
        let length = frame.len();
        let mut storage = [vec![0; 256], frame.clone(), vec![0xee; 4096]].concat();
        let mut packet = Buffer::with_room(&mut storage, 256, length, 3);
        let v4 = segment.source.is_ipv4();
        let (world, scratch) = (&mut self.world, &mut self.scratch);
        let outcome = match (from_a_client, v4) {
            (true, true) => from_client::<_, Ipv4, _>(&mut packet, scratch, world),
            (true, false) => from_client::<_, Ipv6, _>(&mut packet, scratch, world),
            (false, true) => from_backend::<_, Ipv4, _>(&mut packet, scratch, world),
            (false, false) => from_backend::<_, Ipv6, _>(&mut packet, scratch, world),
        };
        let place = packet.place();
        let out = &storage[place];
        match outcome.verdict() {
            Verdict::Drop => (outcome, None),
            Verdict::Answer => {
                assert_eq!(out[..12], [&frame[6..12], &frame[..6]].concat());
                (outcome, Some(Segment::read(out)))
            }
            _ => {
                assert_eq!(out[..12], frame[..12]);
                (outcome, Some(Segment::read(out)))
            }
        }
    }

    /// A packet of the client.
    fn client(&mut self, segment: &Segment) -> (Outcome, Option<Segment>) {
        self.run(segment, true)
    }

    /// A packet of a backend.
    fn backend(&mut self, segment: &Segment) -> (Outcome, Option<Segment>) {
        self.run(segment, false)
    }

    /// From the client, `offset` bytes behind its SYN.
    fn says(&self, flags: u8, offset: u32, data: &[u8]) -> Segment {
        Segment {
            sequence: CLIENT_ISN.wrapping_add(1).wrapping_add(offset),
            acknowledged: self.cookie.wrapping_add(1),
            window: 500,
            stamps: Some((CLIENT_STAMP + 10, self.told)),
            data: data.to_vec(),
            ..Segment::new(self.client, self.gateway, flags)
        }
    }

    /// From the first backend, which has had `bytes` of the client.
    fn replies(&self, flags: u8, offset: u32, bytes: u32, data: &[u8]) -> Segment {
        Segment {
            sequence: BACKEND_ISN.wrapping_add(1 + offset),
            acknowledged: CLIENT_ISN.wrapping_add(1 + bytes),
            window: 1000,
            stamps: Some((BACKEND_STAMP + 1, CLIENT_STAMP + 10)),
            data: data.to_vec(),
            ..Segment::new(self.backends[0], self.client, flags)
        }
    }

    fn syn(&self) -> Segment {
        Segment {
            sequence: CLIENT_ISN,
            window: 64_000,
            mss: Some(1460),
            scale: Some(8),
            sack: true,
            stamps: Some((CLIENT_STAMP, 0)),
            ..Segment::new(self.client, self.gateway, SYN)
        }
    }

    /// The SYN, answered.
    fn open(&mut self, syn: &Segment) -> Segment {
        let (outcome, answer) = self.client(syn);
        assert_eq!(outcome, Outcome::Accepted);
        let answer = answer.unwrap();
        self.cookie = answer.sequence;
        self.told = answer.stamps.map_or(0, |stamps| stamps.0);
        answer
    }

    /// The SYN-ACK of the first backend.
    fn accepts(&self) -> Segment {
        Segment {
            sequence: BACKEND_ISN,
            acknowledged: CLIENT_ISN.wrapping_add(1),
            window: 60_000,
            mss: Some(1380),
            scale: Some(9),
            sack: true,
            stamps: Some((BACKEND_STAMP, CLIENT_STAMP + 10)),
            ..Segment::new(self.backends[0], self.client, SYN | ACK)
        }
    }

    /// As far as the SYN for the first backend, which is handed back.
    fn ask(&mut self, hello: &[u8]) -> Segment {
        let syn = self.syn();
        self.open(&syn);
        let (outcome, asked) = self.client(&self.says(ACK | PSH, 0, hello));
        assert_eq!(outcome, Outcome::Asked);
        asked.unwrap()
    }

    /// As far as an established connection, the hello in one piece.
    fn establish(&mut self) -> u32 {
        let hello = hello(Some("a.example"), 300, 16_000);
        self.ask(&hello);
        let (outcome, piece) = self.backend(&self.accepts());
        assert_eq!(outcome, Outcome::Replayed);
        assert_eq!(piece.unwrap().data, hello);
        let bytes = u32::try_from(hello.len()).unwrap();
        let (outcome, ack) = self.backend(&self.replies(ACK, 0, bytes, &[]));
        assert_eq!(outcome, Outcome::ToClient);
        assert_eq!(
            ack.unwrap().acknowledged,
            CLIENT_ISN.wrapping_add(1 + bytes)
        );
        assert_eq!(self.splice().phase, SPLICED);
        assert!(self.world.hellos.is_empty());
        bytes
    }

    fn splice(&self) -> Splice {
        self.world.splices[&key_of(self.client, self.gateway)]
    }
}

#[test]
fn a_syn_is_answered_without_memory() {
    for family in [4, 6] {
        let mut bench = Bench::new(family);
        let syn = bench.syn();
        // Data of an early sender is not taken.
        let with_data = Segment {
            data: b"early".to_vec(),
            ..syn.clone()
        };
        for syn in [syn, with_data] {
            let answer = bench.open(&syn);
            let expected = Segment {
                sequence: bench.cookie,
                acknowledged: CLIENT_ISN.wrapping_add(1),
                window: 17 * 1024,
                mss: Some(1400),
                scale: Some(7),
                sack: true,
                // Milliseconds, and in their low bits MSS 1460, SACK, shift 8.
                stamps: Some((
                    1_000_000 / 512 * 512 - 512 + (6 << 6 | 1 << 4 | 8),
                    CLIENT_STAMP,
                )),
                ..Segment::new(bench.gateway, bench.client, SYN | ACK)
            };
            assert_eq!(answer, expected);
        }
        assert!(bench.world.splices.is_empty() && bench.world.half_open.is_empty());
    }
}

#[test]
fn what_a_client_does_not_offer_is_not_answered() {
    let mut bench = Bench::new(4);
    let syn = Segment {
        scale: None,
        sack: false,
        ..bench.syn()
    };
    let answer = bench.open(&syn);
    assert_eq!((answer.scale, answer.sack), (None, false));
    assert_eq!(bench.told & 0x3f, 15);
    let syn = Segment {
        stamps: None,
        ..syn
    };
    let answer = bench.open(&syn);
    assert_eq!(
        (answer.scale, answer.sack, answer.stamps),
        (None, false, None)
    );
    assert_eq!(answer.mss, Some(1400));
    assert!(bench.world.half_open.is_empty());
}

#[test]
fn other_listeners_are_not_ours() {
    let mut bench = Bench::new(6);
    let mut syn = bench.syn();
    syn.destination.set_port(80);
    let (outcome, out) = bench.client(&syn);
    assert_eq!(outcome, Outcome::NotOurs);
    assert_eq!(out, Some(syn));
}

#[test]
fn a_bare_acknowledgment_proves_itself_and_leaves_no_memory() {
    let mut bench = Bench::new(4);
    let syn = bench.syn();
    bench.open(&syn);
    assert_eq!(bench.client(&bench.says(ACK, 0, &[])).0, Outcome::Proved);
    let mut wrong = bench.says(ACK, 0, &[]);
    wrong.acknowledged ^= 1 << 20;
    assert_eq!(bench.client(&wrong).0, Outcome::Unproved);
    // A keep-alive of a connection that has said nothing yet.
    let alive = bench.says(ACK, u32::MAX, &[]);
    let (outcome, answer) = bench.client(&alive);
    assert_eq!(outcome, Outcome::Acknowledged);
    let answer = answer.unwrap();
    assert_eq!(answer.sequence, bench.cookie.wrapping_add(1));
    assert_eq!(answer.acknowledged, CLIENT_ISN.wrapping_add(1));
    assert_eq!(answer.window, 17 * 8);
    assert_eq!(answer.stamps, Some((bench.told, CLIENT_STAMP + 10)));
    assert!(bench.world.splices.is_empty());
}

#[test]
fn what_proves_nothing_is_dropped_or_the_nodes_own() {
    let mut bench = Bench::new(4);
    let syn = bench.syn();
    bench.open(&syn);
    // The second segment of a hello, before the first.
    let late = bench.says(ACK, 1000, b"rest");
    let reset = bench.says(RST, 0, &[]);
    for stray in [&late, &reset] {
        assert_eq!(bench.client(stray).0, Outcome::Unproved);
    }
    bench
        .world
        .local
        .insert(key_of(bench.client, bench.gateway));
    for stray in [&late, &reset] {
        assert_eq!(bench.client(stray).0, Outcome::Local);
    }
    bench.world.local.clear();
    // Of a connection of another time, or another node: the node's stack resets it.
    let mut old = late.clone();
    bench.world.now += 28_000;
    assert_eq!(bench.client(&old).0, Outcome::Unproved);
    bench.world.now += 3_000;
    let (outcome, out) = bench.client(&old);
    assert_eq!((outcome, out.as_ref()), (Outcome::Stray, Some(&old)));
    old.data.clear();
    assert_eq!(bench.client(&old).0, Outcome::Stray);
    assert_eq!(bench.client(&reset).0, Outcome::Unproved);
    // Without time stamps: since it was heard of first.
    old.stamps = None;
    for expected in [Outcome::Unproved, Outcome::Unproved, Outcome::Stray] {
        assert_eq!(bench.client(&old).0, expected);
        bench.world.now += 16_000;
    }
    // A cookie is good for one or two minutes.
    bench.world.now += 120_000;
    assert_eq!(bench.client(&bench.says(ACK, 0, b"\x16")).0, Outcome::Stray);
}

#[test]
fn an_end_before_any_data_is_a_reset() {
    for family in [4, 6] {
        let mut bench = Bench::new(family);
        let syn = bench.syn();
        bench.open(&syn);
        let (outcome, answer) = bench.client(&bench.says(ACK | FIN, 0, &[]));
        assert_eq!(outcome, Outcome::Unused);
        let expected = Segment {
            sequence: bench.cookie.wrapping_add(1),
            acknowledged: CLIENT_ISN.wrapping_add(2),
            ..Segment::new(bench.gateway, bench.client, RST | ACK)
        };
        assert_eq!(answer, Some(expected));
        assert!(bench.world.splices.is_empty());
    }
}

#[test]
fn the_first_data_opens_an_entry_with_what_the_cookie_says() {
    let mut bench = Bench::new(4);
    let syn = bench.syn();
    bench.open(&syn);
    assert_eq!(
        bench.client(&bench.says(ACK, 0, b"\x16\x03")).0,
        Outcome::Collected
    );
    let splice = bench.splice();
    assert_eq!(
        (splice.phase, splice.offer.mss, splice.offer.scale),
        (COLLECT, 1460, 8)
    );
    assert!(splice.offer.has_sack() && splice.offer.has_stamps());
    assert_eq!(splice.window_client, 500 << 8);
}

#[test]
fn what_a_client_without_time_stamps_offers_is_kept_while_there_is_room() {
    let mut bench = Bench::new(6);
    let syn = Segment {
        stamps: None,
        ..bench.syn()
    };
    let answer = bench.open(&syn);
    let options = (answer.scale, answer.sack, answer.stamps);
    assert_eq!(options, (Some(7), true, None));
    // A keep-alive is answered with the window that the client was promised.
    let plain = |bench: &Bench, offset, data: &[u8]| Segment {
        stamps: None,
        ..bench.says(ACK, offset, data)
    };
    let alive = plain(&bench, u32::MAX, &[]);
    assert_eq!(bench.client(&alive).1.unwrap().window, 17 * 8);
    let first = plain(&bench, 0, &[22]);
    assert_eq!(bench.client(&first).0, Outcome::Collected);
    let splice = bench.splice();
    assert_eq!((splice.offer.mss, splice.offer.scale), (1460, 8));
    assert!(splice.offer.has_sack() && !splice.offer.has_stamps());
    assert!(bench.world.half_open.is_empty());
    // No room: the cookie alone, and nothing that it does not say.
    let mut bench = Bench::new(6);
    bench.world.most[0] = 0;
    let answer = bench.open(&syn);
    assert_eq!((answer.scale, answer.sack), (None, false));
    let first = plain(&bench, 0, &[22]);
    assert_eq!(bench.client(&first).0, Outcome::Collected);
    let splice = bench.splice();
    assert_eq!((splice.offer.mss, splice.offer.has_scale()), (1220, false));
    assert_eq!(splice.window_client, 500);
}

/// The node's stack could not make sense of its windows.
#[test]
fn who_was_promised_options_without_time_stamps_is_refused_where_tables_are_full() {
    let mut bench = Bench::new(4);
    let syn = Segment {
        stamps: None,
        ..bench.syn()
    };
    bench.open(&syn);
    bench.world.most[1] = 0;
    let first = Segment {
        stamps: None,
        ..bench.says(ACK, 0, &[22])
    };
    let (outcome, out) = bench.client(&first);
    assert_eq!((outcome, out.unwrap().flags), (Outcome::Refused, RST | ACK));
}
