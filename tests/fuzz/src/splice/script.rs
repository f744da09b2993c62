//! Bytes of the fuzzer as a sequence of packets, most of them nearly such as ends send.

use std::net::SocketAddr;

use gateway_common::{
    abi::TlsSecret,
    splice::{Choice, Listener, Splices as _, state::SPLICED},
};
use libfuzzer_sys::arbitrary::{Result, Unstructured};

use crate::{
    control::Error,
    hello::hello,
    judge::Judged,
    wire::{ACK, FIN, PSH, RST, SYN, Segment},
    world::{World, key_of},
};

const CLIENT_ISN: u32 = 0xffff_fff0;
const BACKEND_ISN: u32 = 0x8000_0000;
const FLAGS: [u8; 8] = [
    SYN,
    ACK,
    PSH | ACK,
    FIN | ACK,
    RST,
    RST | ACK,
    SYN | ACK,
    SYN | FIN | RST | ACK,
];

pub(crate) struct Script {
    pub(crate) judged: Judged,
    clients: [SocketAddr; 3],
    gateway: SocketAddr,
    backends: [SocketAddr; 2],
    /// Whom backends see instead of the client.
    node: Option<SocketAddr>,
    hello: Vec<u8>,
    has_stamps: bool,
    /// What each client was told last: the next number, and a time stamp.
    told: [(u32, u32); 3],
    /// What the gateway said last to any backend.
    asked: Option<Segment>,
}

fn address(is_v4: bool, host: u8, port: u16) -> SocketAddr {
    match is_v4 {
        true => ([192, 0, 2, host], port).into(),
        false => ([0x2001, 0xdb8, 0, 0, 0, 0, 0, host.into()], port).into(),
    }
}

impl Script {
    pub(crate) fn new(rest: &mut Unstructured<'_>) -> Result<Self> {
        let is_v4 = rest.arbitrary()?;
        let gateway = address(is_v4, 1, 443);
        let backends = [8, 9].map(|host| address(is_v4, host, 8443));
        let node = rest
            .arbitrary::<bool>()?
            .then_some(address(is_v4, 2, 61_000));
        let mut world = World::new(gateway, Listener { mss: 1400 });
        world.secret = rest.ratio(15, 16)?.then_some(TlsSecret { key: [7, 8] });
        world.epoch = rest.arbitrary()?;
        world.names.insert("a.example".into(), Choice::Service(7));
        world.other = *rest.choose(&[Choice::Refuse, Choice::Local, Choice::Service(7)])?;
        for most in &mut world.most {
            *most = rest.int_in_range(0..=4)?;
        }
        world.serve(&backends, node);
        let clients = [40_000, 40_001, 40_002].map(|port| address(is_v4, 100, port));
        if rest.ratio(1, 8)? {
            world.local.insert(key_of(clients[0], gateway));
        }
        let name = rest.choose(&[Some("a.example"), Some("b.example"), None])?;
        let length = rest.int_in_range(100..=9_000)?;
        let record = rest.int_in_range(1..=9_000)?;
        Ok(Self {
            judged: Judged::new(world),
            clients,
            gateway,
            backends,
            node,
            hello: hello(*name, length, record),
            has_stamps: rest.arbitrary()?,
            told: [(0, 0); 3],
            asked: None,
        })
    }

    pub(crate) fn step(&mut self, rest: &mut Unstructured<'_>) -> Result<()> {
        match rest.int_in_range(0..=16_u8)? {
            0..=4 => self.client(rest)?,
            5..=9 => self.backend(rest)?,
            10 => self.open(rest)?,
            11 => self.answer(rest)?,
            12 => self.error(rest)?,
            13 => self.garbage(rest)?,
            14 => self.judged.world.now += u64::from(rest.arbitrary::<u16>()?),
            15 => self.drain(),
            _ => {
                self.judged.world.now += 1000 * u64::from(rest.arbitrary::<u16>()?);
                self.judged.world.collect();
            }
        }
        self.judged.check();
        Ok(())
    }

    /// Backends have left, and what they had is over.
    fn drain(&mut self) {
        let world = &mut self.judged.world;
        let now = world.now();
        let open = world.splices.values_mut().filter(|s| s.phase == SPLICED);
        open.for_each(|splice| splice.drain(now));
    }

    /// A number, or one near it.
    fn near(rest: &mut Unstructured<'_>, number: u32) -> Result<u32> {
        let off = match rest.int_in_range(0..=7_u8)? {
            0..=4 => 0,
            5 => i32::from(rest.arbitrary::<i8>()?),
            6 => i32::from(rest.arbitrary::<i16>()?),
            _ => rest.arbitrary()?,
        };
        Ok(number.wrapping_add_signed(off))
    }

    fn segment(
        &self,
        rest: &mut Unstructured<'_>,
        ends: (SocketAddr, SocketAddr),
        stamps: (u32, u32),
    ) -> Result<Segment> {
        let mut segment = Segment::new(ends.0, ends.1, *rest.choose(&FLAGS)?);
        segment.window = rest.arbitrary()?;
        if segment.has(SYN) {
            segment.mss = rest.arbitrary()?;
            segment.scale = rest.arbitrary()?;
            segment.sack = rest.arbitrary()?;
        }
        if self.has_stamps && rest.ratio(15, 16)? {
            segment.stamps = Some(stamps);
            segment.shift = rest.int_in_range(0..=4)?;
        }
        Ok(segment)
    }

    /// From a client: a SYN, or a piece of its hello, or what comes behind that.
    fn client(&mut self, rest: &mut Unstructured<'_>) -> Result<()> {
        let which = rest.choose_index(self.clients.len())?;
        let (number, stamp) = self.told[which];
        let ends = (self.clients[which], self.gateway);
        let mut segment = self.segment(rest, ends, (77_000, stamp))?;
        segment.sequence = CLIENT_ISN;
        segment.acknowledged = Self::near(rest, number)?;
        if !segment.has(SYN) {
            let from = match rest.arbitrary()? {
                true => 0,
                false => rest.int_in_range(0..=self.hello.len())?,
            };
            let most = self.hello.len() - from;
            let length = rest.int_in_range(0..=most.min(3000))?;
            segment.data = self.hello[from..from + length].to_vec();
            segment.sequence = CLIENT_ISN.wrapping_add(1 + u32::try_from(from).unwrap_or(0));
        }
        segment.sequence = Self::near(rest, segment.sequence)?;
        if let Some(out) = self.judged.segment(&segment, true) {
            self.heard(out);
        }
        Ok(())
    }

    /// A client's SYN and hello, as they should be.
    fn open(&mut self, rest: &mut Unstructured<'_>) -> Result<()> {
        let which = rest.choose_index(self.clients.len())?;
        let mut segment = Segment::new(self.clients[which], self.gateway, SYN);
        segment.sequence = CLIENT_ISN;
        segment.window = 60_000;
        segment.mss = Some(1400);
        segment.stamps = self.has_stamps.then_some((77_000, 0));
        let hello = self.hello.clone();
        for piece in [&[][..]].into_iter().chain(hello.chunks(1400)) {
            if let Some(out) = self.judged.segment(&segment, true) {
                self.heard(out);
            }
            let (number, stamp) = self.told[which];
            segment.sequence = segment.end();
            segment.flags = ACK;
            segment.mss = None;
            segment.acknowledged = number;
            segment.stamps = self.has_stamps.then_some((77_001, stamp));
            segment.data = piece.to_vec();
        }
        if let Some(out) = self.judged.segment(&segment, true) {
            self.heard(out);
        }
        Ok(())
    }

    /// A backend's SYN-ACK, or its acknowledgments until it has heard everything; maybe with data.
    fn answer(&mut self, rest: &mut Unstructured<'_>) -> Result<()> {
        let says = rest.int_in_range(0..=1400)?;
        for _ in 0..16 {
            let Some(asked) = self.asked.take() else {
                return Ok(());
            };
            let is_first = asked.has(SYN);
            let mut segment = Segment::new(asked.destination, asked.source, ACK);
            segment.flags |= if is_first { SYN } else { 0 };
            segment.sequence = BACKEND_ISN.wrapping_add(u32::from(!is_first));
            segment.acknowledged = asked.end();
            segment.window = 60_000;
            segment.mss = is_first.then_some(1400);
            segment.stamps = asked.stamps.map(|(value, _)| (5, value));
            segment.data = vec![7; if is_first { 0 } else { says }];
            self.asked = Some(asked);
            let Some(out) = self.judged.segment(&segment, false) else {
                return Ok(());
            };
            self.heard(out);
        }
        Ok(())
    }

    /// From a backend: an answer to what it was asked last.
    fn backend(&mut self, rest: &mut Unstructured<'_>) -> Result<()> {
        let asked = self.asked.clone();
        let from = *rest.choose(&self.backends)?;
        let to = self.node.unwrap_or(self.clients[0]);
        let ends = asked
            .as_ref()
            .map_or((from, to), |asked| (asked.destination, asked.source));
        let echo = asked
            .as_ref()
            .and_then(|asked| asked.stamps)
            .map_or(0, |(value, _)| value);
        let mut segment = self.segment(rest, ends, (5, echo))?;
        let next = u32::from(!segment.has(SYN));
        segment.sequence = Self::near(rest, BACKEND_ISN.wrapping_add(next))?;
        segment.acknowledged = Self::near(rest, asked.map_or(0, |asked| asked.end()))?;
        if !segment.has(SYN) {
            segment.data = vec![7; rest.int_in_range(0..=1400)?];
        }
        if let Some(out) = self.judged.segment(&segment, false) {
            self.heard(out);
        }
        Ok(())
    }

    /// An end got this.
    fn heard(&mut self, segment: Segment) {
        let client = self
            .clients
            .iter()
            .position(|client| *client == segment.destination);
        match client {
            Some(client) if segment.source == self.gateway => {
                let stamp = segment.stamps.map_or(0, |(value, _)| value);
                self.told[client] = (segment.end(), stamp);
            }
            _ => self.asked = Some(segment),
        }
    }

    /// An ICMP error about what somebody sent.
    fn error(&mut self, rest: &mut Unstructured<'_>) -> Result<()> {
        let from_a_client = rest.arbitrary()?;
        let client = *rest.choose(&self.clients)?;
        let seen = self.node.unwrap_or(client);
        let backend = *rest.choose(&self.backends)?;
        let (quoted, number) = match from_a_client {
            true => ((self.gateway, client), BACKEND_ISN),
            false => ((seen, backend), CLIENT_ISN),
        };
        let kinds = [[3, 4], [3, 1], [2, 0], [1, 0], [11, 0], [8, 0]];
        let error = Error {
            source: quoted.1.ip(),
            destination: quoted.0.ip(),
            kind: *rest.choose(&kinds)?,
            rest: rest.arbitrary()?,
            quoted: (quoted.0, quoted.1, Self::near(rest, number)?),
        };
        self.judged.error(&error, from_a_client);
        Ok(())
    }

    /// A segment or an error with other bytes in it, cut anywhere: it only must do no harm.
    fn garbage(&mut self, rest: &mut Unstructured<'_>) -> Result<()> {
        let from_a_client = rest.arbitrary()?;
        let (client, backend) = (self.clients[0], self.backends[0]);
        let ends = match from_a_client {
            true => (client, self.gateway),
            false => (backend, self.node.unwrap_or(client)),
        };
        let mut segment = self.segment(rest, ends, (1, 2))?;
        segment.data = rest.arbitrary()?;
        segment.data.truncate(1400);
        let mut frame = segment.frame();
        for _ in 0..rest.int_in_range(0..=4_u8)? {
            let at = rest.choose_index(frame.len() - 14)?;
            frame[14 + at] = rest.arbitrary()?;
        }
        if rest.arbitrary()? {
            frame.truncate(14 + rest.choose_index(frame.len() - 14)?);
        }
        self.judged.run(&frame, from_a_client);
        Ok(())
    }
}
