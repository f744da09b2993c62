//! Bytes of the fuzzer as a sequence of frames and changes.

use libfuzzer_sys::arbitrary::{Error, Result, Unstructured};

use crate::{
    fixture::{self, BACKENDS, CLIENT, EMPTY, FAR, NODE, ONE, PROXY, REMOTE, SAME, TWO},
    frames::{End, Family, Spec, checksum, octets, packet, tcp, udp, v4},
    judge::{Judged, PLACE},
    path::Hook,
};

const HOOKS: [Hook; 3] = [Hook::Ingress, Hook::Answer, Hook::Egress];
/// Addresses and ports that tables know, and one that they do not.
const KNOWN: [End; 12] = [
    ONE,
    TWO,
    SAME,
    EMPTY,
    PROXY,
    REMOTE,
    NODE,
    FAR,
    BACKENDS[0],
    BACKENDS[1],
    BACKENDS[2],
    (v4(198, 51, 100, 77), 7),
];
/// Listeners for layer 4.
const LISTENERS: [End; 5] = [ONE, TWO, SAME, EMPTY, REMOTE];
/// Of `BACKENDS`, `FAR`, and one that there is not.
const IDS: [u32; 5] = [1, 2, 3, 4, 5];
const SLOTS: usize = 9;
/// Tags of VLANs, one or two for a frame.
const TAGS: [&[u8]; 2] = [&[0x81, 0, 0, 100], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 100]];

pub(crate) struct Script<'a> {
    input: Unstructured<'a>,
    family: Family,
    /// Each frontend keeps to backends of its own, as the tables say from the beginning.
    apart: bool,
    world: Judged,
    /// What came out last.
    last: Vec<u8>,
}

impl<'a> Script<'a> {
    pub(crate) fn new(mut input: Unstructured<'a>) -> Self {
        let family = match input.arbitrary().unwrap_or_default() {
            false => Family::V4,
            true => Family::V6,
        };
        let apart: bool = input.arbitrary().unwrap_or_default();
        let mut config = fixture::config_of(family);
        if !apart {
            for (_, origin) in &mut config.origins {
                origin.shared = 1;
            }
        }
        Self {
            input,
            family,
            apart,
            world: Judged::new(&config),
            last: Vec::new(),
        }
    }

    /// The next one; an error at the end.
    pub(crate) fn step(&mut self) -> Result<()> {
        if self.input.is_empty() {
            return Err(Error::NotEnoughData);
        }
        match self.input.int_in_range(0..=9)? {
            0 => {
                let length = self.input.int_in_range(0..=200)?;
                let frame = self.input.bytes(length)?.to_vec();
                self.run_anywhere(&frame)
            }
            1 => {
                let frame = self.last.clone();
                self.run_anywhere(&frame)
            }
            2 => {
                let about = self.message()?;
                let frame = self.error(&about)?;
                self.run_anywhere(&frame)
            }
            3 => {
                let frame = self.message()?.within(self.family).frame();
                self.run_anywhere(&frame)
            }
            4 => {
                self.world.age(self.input.int_in_range(0..=10_000)?);
                Ok(())
            }
            5 => self.change_tables(),
            _ => self.request(),
        }
    }

    /// From a client to a listener; also a damaged one.
    fn request(&mut self) -> Result<()> {
        let listener = *self.input.choose(&LISTENERS)?;
        let mut frame = self.message_to(listener)?.within(self.family).frame();
        if self.input.ratio(1, 8)? {
            let tag = *self.input.choose(&TAGS)?;
            frame.splice(PLACE..PLACE, tag.iter().copied());
        }
        let frame = self.damaged(frame)?;
        self.last = self.world.request(&frame);
        Ok(())
    }

    fn run_anywhere(&mut self, frame: &[u8]) -> Result<()> {
        let frame = self.damaged(frame.to_vec())?;
        let hook = *self.input.choose(&HOOKS)?;
        self.last = self.world.run(hook, &frame).frame;
        Ok(())
    }

    /// Between any two ends.
    fn message(&mut self) -> Result<Spec> {
        let to = match self.input.arbitrary()? {
            true => self.client()?,
            false => *self.input.choose(&KNOWN)?,
        };
        let mut message = self.message_to(to)?;
        if self.input.arbitrary()? {
            message.source = *self.input.choose(&KNOWN)?;
        }
        Ok(message)
    }

    fn message_to(&mut self, to: End) -> Result<Spec> {
        let client = self.client()?;
        let mut message = match self.input.arbitrary()? {
            true => tcp(client, to, self.input.arbitrary()?),
            false => udp(client, to),
        };
        message.unsummed = self.input.ratio(1, 8)?;
        let length = self.input.int_in_range(0..=9)?;
        message.payload = self.input.bytes(length)?.to_vec();
        if self.input.ratio(1, 8)? {
            message.hops = self.input.int_in_range(0..=2)?;
        }
        Ok(message)
    }

    /// Few, so that they meet again.
    fn client(&mut self) -> Result<End> {
        let (host, port) = (
            self.input.int_in_range(0..=1)?,
            self.input.int_in_range(0..=1)?,
        );
        Ok((v4(10, 0, 0, host), CLIENT.1 + port))
    }

    /// That a packet is too big, from somewhere on the way to where the packet came from.
    fn error(&mut self, about: &Spec) -> Result<Vec<u8>> {
        let about = about.within(self.family);
        let mut quote = about.ip();
        if self.input.arbitrary()? {
            quote.truncate(self.input.int_in_range(20..=60)?);
        }
        let router = match self.input.arbitrary()? {
            true => self.family.of((v4(198, 51, 100, 77), 0)).0,
            false => about.destination.0,
        };
        let ends = [router, about.source.0];
        let (kind, code, protocol) = match self.family {
            Family::V4 => (3, 4, 1),
            Family::V6 => (2, 0, 58),
        };
        let mut message = [&[kind, code, 0, 0, 0, 0, 5, 0][..], &quote].concat();
        let mut summed = message.clone();
        if self.family == Family::V6 {
            let [high, low] = (message.len() as u16).to_be_bytes();
            let pseudo = [octets(ends[0]), octets(ends[1]), vec![high, low, 0, 58]];
            summed = [pseudo.concat(), summed].concat();
        }
        message[2..4].copy_from_slice(&checksum(&summed));
        let ether = about.frame()[..14].to_vec();
        Ok([ether, packet(ends, protocol, 64, &message)].concat())
    }

    /// One frame in four.
    fn damaged(&mut self, mut frame: Vec<u8>) -> Result<Vec<u8>> {
        if !self.input.ratio(1, 4)? {
            return Ok(frame);
        }
        for _ in 0..self.input.int_in_range(0..=3)? {
            if let Some(last) = frame.len().checked_sub(1) {
                frame[self.input.int_in_range(0..=last)?] = self.input.arbitrary()?;
            }
        }
        if self.input.arbitrary()? {
            let length = self.input.int_in_range(0..=frame.len() + 16)?;
            frame.resize(length, 0);
        }
        Ok(frame)
    }

    fn change_tables(&mut self) -> Result<()> {
        let id = *self.input.choose(&IDS)?;
        match self.input.int_in_range(0..=2)? {
            0 if self.apart => {
                let mut slots = fixture::config().slots;
                for slot in slots.iter_mut().filter(|slot| matches!(slot, 2 | 3)) {
                    *slot = *self.input.choose(&[2, 3])?;
                }
                self.world.put_slots(&slots);
            }
            2 if self.apart => {
                let backends = fixture::config_of(self.family).backends;
                if let Some((_, backend)) = backends.iter().find(|(known, _)| *known == id) {
                    self.world.put_backend(id, backend);
                }
            }
            0 => {
                let mut slots = [0; SLOTS];
                for slot in &mut slots {
                    *slot = *self.input.choose(&IDS)?;
                }
                self.world.put_slots(&slots);
            }
            1 => self.world.remove_backend(id),
            _ => {
                let end = *self.input.choose(&BACKENDS)?;
                let mut backend = fixture::backend(self.family.of(end));
                backend.far = self.input.int_in_range(0..=1)?;
                self.world.put_backend(id, &backend);
            }
        }
        Ok(())
    }
}
