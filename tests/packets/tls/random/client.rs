//! What a client and its backend say, nearly right.

use crate::{
    control::{Body, Control, NO_PORT, TOO_BIG},
    fixture::{CLIENT, NODE},
    frames::{End, Family, HOPS},
    path::Hook::{self, *},
    random::Rng,
    tls::{
        fixture::{NOBODY, TLS},
        segment::{
            ACK, FIN,
            Item::{self, *},
            PSH, RST, Read, SYN, Segment, Told,
        },
        talk::{BACKEND_ISN, BACKEND_STAMP, CLIENT_ISN, CLIENT_STAMP, Way, hello},
        world::{Frame, Quoted},
    },
};

const FLAGS: [u8; 8] = [
    ACK,
    ACK | PSH,
    ACK | FIN,
    RST,
    RST | ACK,
    SYN,
    SYN | ACK,
    SYN | FIN | RST | ACK,
];
/// What the generator knows of a client.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) end: End,
    pub(super) way: Way,
    hello: Vec<u8>,
    has_stamps: bool,
    pub(super) told: Told,
    /// Bytes of its that are under way.
    pub(super) sent: usize,
    /// What the gateway said last to its backend.
    pub(super) asked: Option<Read>,
}

impl Client {
    pub(super) fn new(number: usize, rng: &mut Rng) -> Self {
        let way = rng.pick(&[Way::Near, Way::Near, Way::Far, Way::Proxy]);
        let name = match way {
            Way::Near => "near.example",
            Way::Far => "far.example",
            Way::Proxy => "nobody.example",
        };
        Self {
            end: (CLIENT.0, CLIENT.1 + number as u16),
            way,
            hello: hello(name, rng.pick(&[430, 517, 1_900, 4_000])),
            has_stamps: rng.below(3) > 0,
            told: Told::default(),
            sent: 0,
            asked: None,
        }
    }

    /// A frame of the client, or of its backend; or one that is about either.
    pub(super) fn frame(&mut self, rng: &mut Rng, family: Family) -> (Hook, Vec<u8>) {
        let back = self.way.hook();
        let (hook, frame) = match rng.below(16) {
            0 => return self.error(rng, family),
            1..=3 => (Ingress, self.any(rng)),
            4..=5 => (back, self.any_reply(rng)),
            _ if self.told == Told::default() => (Ingress, self.syn(rng)),
            6..=10 if self.asked.is_some() => (back, self.reply(rng)),
            _ => (Ingress, self.next(rng)),
        };
        let mut frame = frame.frame(family, Told::default());
        if rng.below(16) == 0 {
            garble(rng, &mut frame);
        }
        // The kernel refuses test runs of tc programs on IP frames without a whole IP header.
        match frame.len() < 54 {
            true => (Ingress, frame),
            false => (hook, frame),
        }
    }

    fn segment(&self, flags: u8, offset: u32, data: &[u8]) -> Segment {
        Segment {
            source: self.end,
            destination: TLS,
            sequence: CLIENT_ISN.wrapping_add(1).wrapping_add(offset).into(),
            acknowledged: self.told.cookie.wrapping_add(1).into(),
            flags,
            window: 500,
            options: Vec::new(),
            data: data.to_vec(),
        }
    }

    fn syn(&self, rng: &mut Rng) -> Segment {
        let mut options = vec![Mss(rng.pick(&[536, 1_220, 1_460, 9_000]))];
        if rng.below(4) > 0 {
            options.push(SackPermitted);
        }
        if self.has_stamps {
            options.push(Stamps(CLIENT_STAMP.into(), 0.into()));
        }
        if rng.below(4) > 0 {
            options.extend([Nop, Scale(rng.below(16) as u8)]);
        }
        Segment {
            sequence: near(rng, CLIENT_ISN).into(),
            options,
            ..self.segment(SYN, 0, &[])
        }
    }

    /// The next piece of the hello, or of what comes behind it.
    fn next(&mut self, rng: &mut Rng) -> Segment {
        let from = self.sent.min(self.hello.len());
        let rest = &self.hello[from..];
        let data = match rest.len() {
            _ if rng.below(8) == 0 => Vec::new(),
            0 => vec![7; rng.below(300)],
            _ => rest[..rest.len().min(1 + rng.below(1_400))].to_vec(),
        };
        let flags = match data.is_empty() && rng.below(3) == 0 {
            true => ACK | FIN,
            false => ACK,
        };
        let mut segment = self.segment(flags, self.sent as u32, &data);
        self.sent += data.len();
        segment.options = self.options(rng);
        segment
    }

    fn options(&self, rng: &mut Rng) -> Vec<Item> {
        let mut options = vec![Nop; rng.pick(&[2, 2, 2, 0, 1, 3])];
        if self.has_stamps {
            let value = CLIENT_STAMP + rng.below(100) as u32;
            let echo = self
                .told
                .stamp
                .wrapping_sub(rng.pick(&[0, 0, 0, 0, 31_000]));
            options.push(Stamps(value.into(), echo.into()));
        }
        if rng.below(4) == 0 {
            let edge = self.told.cookie.wrapping_add(rng.below(5_000) as u32);
            options.push(Sacks(vec![(edge.into(), edge.wrapping_add(9).into())]));
        }
        options
    }

    /// A segment of the client, nearly right.
    fn any(&self, rng: &mut Rng) -> Segment {
        if rng.below(4) == 0 {
            return self.syn(rng);
        }
        let from = rng.below(self.hello.len());
        let from = rng.pick(&[0, from, self.sent.min(self.hello.len())]);
        let length = rng.below((self.hello.len() - from).min(1_400) + 1);
        let data = &self.hello[from..from + rng.pick(&[0, length])];
        let mut segment = self.segment(rng.pick(&FLAGS), from as u32, data);
        segment.options = self.options(rng);
        segment.window = rng.pick(&[0, 1, 500, u16::MAX]);
        segment.sequence = near(rng, segment.sequence.resolve(Told::default())).into();
        let acknowledged = near(rng, self.told.cookie.wrapping_add(1));
        segment.acknowledged = acknowledged.into();
        if rng.below(8) == 0 {
            segment.destination = NOBODY;
        }
        segment
    }

    /// What the backend says to what it got last.
    fn reply(&self, rng: &mut Rng) -> Segment {
        let mut segment = self.any_reply(rng);
        let Some(asked) = self.asked else {
            return segment;
        };
        segment.flags = ACK;
        segment.sequence = (BACKEND_ISN + 1).into();
        segment.acknowledged = asked.end.into();
        segment.window = 60_000;
        if asked.flags & SYN != 0 {
            segment.flags = SYN | ACK;
            segment.sequence = BACKEND_ISN.into();
            segment.data.clear();
            segment.options = [vec![Mss(1_380), SackPermitted], segment.options].concat();
            if rng.below(4) > 0 {
                segment.options.extend([Nop, Scale(rng.below(16) as u8)]);
            }
            if rng.below(6) == 0 {
                segment.flags = RST | ACK;
            }
        }
        segment
    }

    /// A segment of a backend, nearly right.
    fn any_reply(&self, rng: &mut Rng) -> Segment {
        let seen = match self.way {
            Way::Near | Way::Proxy => self.end,
            Way::Far => NODE,
        };
        let end = rng.pick(&self.way.ends());
        let asked = self.asked.as_ref();
        let (source, destination) = asked.map_or((end, seen), |a| (a.destination, a.source));
        let mut segment = Segment {
            source,
            destination,
            sequence: near(rng, BACKEND_ISN + 1).into(),
            acknowledged: near(rng, asked.map_or(0, |asked| asked.end)).into(),
            flags: rng.pick(&FLAGS),
            window: rng.pick(&[0, 1, 500, u16::MAX]),
            options: vec![Nop; rng.pick(&[0, 2])],
            data: vec![9; rng.pick(&[0, 0, 1, 600, 1_368])],
        };
        if let Some((value, _)) = asked.and_then(|asked| asked.stamps)
            && rng.below(8) > 0
        {
            let own = BACKEND_STAMP + rng.below(50) as u32;
            segment.options.push(Stamps(own.into(), value.into()));
        }
        segment
    }

    /// An ICMP error about what either end got.
    fn error(&self, rng: &mut Rng, family: Family) -> (Hook, Vec<u8>) {
        let mut reply = self.any_reply(rng);
        let from_client = rng.below(2) == 0;
        if from_client {
            (reply.source, reply.destination) = (TLS, self.end);
            reply.sequence = near(rng, self.told.cookie.wrapping_add(1)).into();
        } else {
            (reply.source, reply.destination) = (reply.destination, reply.source);
            reply.sequence = near(rng, CLIENT_ISN.wrapping_add(1)).into();
        }
        let [high, low] = rng.pick(&[0_u16, 600, 1_290, 1_400]).to_be_bytes();
        let control = Control {
            kinds: rng.pick(&[TOO_BIG, NO_PORT]),
            source: reply.destination.0,
            destination: reply.source.0,
            rest: [0, 0, high, low],
            body: Body::Bytes(Vec::new()),
            back: false,
            hops: HOPS,
        };
        let quoted = Quoted {
            source: reply.source,
            destination: reply.destination,
            sequence: reply.sequence,
        };
        let frame = Frame::Error(control, quoted).bytes(family, Told::default());
        let hook = if from_client {
            Ingress
        } else {
            self.way.hook()
        };
        (hook, frame)
    }
}

/// A number, or one near it.
fn near(rng: &mut Rng, number: u32) -> u32 {
    match rng.below(8) {
        0 => number.wrapping_add(rng.below(3) as u32).wrapping_sub(1),
        1 => number.wrapping_add(rng.below(4_000) as u32),
        2 => number.wrapping_add((rng.below(1 << 16) << 16) as u32),
        _ => number,
    }
}

/// Other bytes, and maybe fewer.
fn garble(rng: &mut Rng, frame: &mut Vec<u8>) {
    for _ in 0..=rng.below(3) {
        let at = 14 + rng.below((frame.len() - 14).min(90));
        frame[at] = rng.below(256) as u8;
    }
    if rng.below(2) == 0 {
        frame.truncate(14 + rng.below(frame.len() - 14));
    }
}
