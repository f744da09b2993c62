//! Single steps: a packet in, what it is, a packet out.

mod before;
mod bytes;
mod contended;
mod credit;
mod drained;
mod ends;
mod errors;
mod hellos;
mod local;
mod opening;
mod stamps;

use std::net::SocketAddr;

use super::{
    hello::hello,
    wire::{ACK, FIN, PSH, RST, SYN, Segment, URG},
    world::{World, key_of},
};
use crate::{
    packet::Buffer,
    splice::{
        Choice, Listener, Outcome, Scratch, Splice, Verdict, from_backend, from_client,
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
    /// Whom backends see: the client, or the node.
    seen: SocketAddr,
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
        let mut world = World::new(gateway, Listener { mss: 1400 });
        world.names.insert("a.example".into(), Choice::Service(7));
        world.names.insert("local.example".into(), Choice::Local);
        world.serve(&backends, None);
        Self {
            scratch: Scratch::default(),
            world,
            client: address(family, 100, 40_000),
            seen: address(family, 100, 40_000),
            gateway,
            backends,
            cookie: 0,
            told: 0,
        }
    }

    /// What becomes of a frame, and what it is then.
    fn frame(&mut self, frame: &[u8], from_a_client: bool) -> (Outcome, Vec<u8>) {
        let mut storage = [vec![0; 256], frame.to_vec(), vec![0xee; 4096]].concat();
        let mut packet = Buffer::with_room(&mut storage, 256, frame.len(), 3);
        let (world, scratch) = (&mut self.world, &mut self.scratch);
        let outcome = match from_a_client {
            true => from_client(&mut packet, scratch, world),
            false => from_backend(&mut packet, scratch, world),
        };
        let place = packet.place();
        (outcome, storage[place].to_vec())
    }

    fn run(&mut self, segment: &Segment, from_a_client: bool) -> (Outcome, Option<Segment>) {
        let frame = segment.frame();
        let (outcome, out) = self.frame(&frame, from_a_client);
        match outcome.verdict() {
            Verdict::Drop => (outcome, None),
            Verdict::Answer => {
                assert_eq!(out[..12], [&frame[6..12], &frame[..6]].concat());
                (outcome, Some(Segment::read(&out)))
            }
            _ => {
                assert_eq!(out[..12], frame[..12]);
                (outcome, Some(Segment::read(&out)))
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
            ..Segment::new(self.backends[0], self.seen, flags)
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

    /// The usual SYN, answered.
    fn begin(&mut self) {
        let syn = self.syn();
        self.open(&syn);
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
            ..Segment::new(self.backends[0], self.seen, SYN | ACK)
        }
    }

    /// As far as the SYN for the first backend, which is handed back.
    fn ask(&mut self, hello: &[u8]) -> Segment {
        let syn = self.syn();
        self.open(&syn);
        let (outcome, asked) = self.client(&self.says(ACK | PSH, 0, hello));
        let asked = asked.unwrap();
        let expected = match asked.destination == self.gateway {
            true => Outcome::AskedProxy,
            false => Outcome::Asked,
        };
        assert_eq!(outcome, expected);
        asked
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
