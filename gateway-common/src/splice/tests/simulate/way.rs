//! The way of packets: through the gateway, and to whom it sends them.

use std::env;

use super::{
    super::{
        peer::{State, refusal},
        wire::{RST, SYN, Segment},
        world::key_of,
    },
    Place, Simulation,
};
use crate::{
    packet::Buffer,
    splice::{Outcome, Verdict, from_backend, from_client},
};

impl Simulation<'_> {
    pub(super) fn arrive(&mut self, place: Place, frame: Vec<u8>) {
        match place {
            Place::Front | Place::Back => self.gateway(place, frame),
            Place::Client => {
                let segment = Segment::read(&frame);
                match segment.source == self.plan.gateway {
                    true => self.client.input(&segment, self.now),
                    // Of a backend by itself.
                    false => self.client.sent.extend(refusal(&segment)),
                }
            }
            Place::Backend => self.backend(&Segment::read(&frame)),
        }
    }

    fn gateway(&mut self, place: Place, frame: Vec<u8>) {
        self.look_for_sockets();
        let (tail, length) = (self.plan.network.tail, frame.len());
        let mut storage = [vec![0; 256], frame, vec![0xee; tail]].concat();
        let mut packet = Buffer::with_room(&mut storage, 256, length, 3);
        let (world, scratch) = (&mut self.world, &mut self.scratch);
        let outcome = match place {
            Place::Front => from_client(&mut packet, scratch, world),
            _ => from_backend(&mut packet, scratch, world),
        };
        let made = packet.place();
        let out = storage[made].to_vec();
        self.note(place, outcome, &out);
        if outcome.verdict() == Verdict::Drop {
            return;
        }
        let segment = Segment::read(&out);
        let to_client = segment.destination == self.plan.client;
        match (outcome.verdict(), place) {
            (Verdict::Pass, Place::Front) => self.node(&segment),
            (Verdict::Pass, _) if to_client => self.carry(Place::Client, out),
            // To an address of the node, which knows of no such connection.
            (Verdict::Pass, _) => {
                let reset = refusal(&segment);
                reset
                    .into_iter()
                    .for_each(|reset| self.carry(Place::Backend, reset.frame()));
            }
            (Verdict::Answer, Place::Front) | (Verdict::ToClient, _) => {
                assert!(
                    to_client && segment.source == self.plan.gateway,
                    "{}",
                    self.context
                );
                self.carry(Place::Client, out);
            }
            (Verdict::Answer, _) | (Verdict::ToBackend, _) => self.forward(&segment, out),
            _ => panic!("{}: {outcome:?} {segment:?}", self.context),
        }
    }

    fn note(&mut self, place: Place, outcome: Outcome, made: &[u8]) {
        if env::var_os("TRACE").is_some() {
            let side = if place == Place::Front { '>' } else { '<' };
            println!("{} {side} {outcome:?}", self.now);
            println!("{:?}", Segment::read(made));
        }
        let count = self.seen.outcomes.entry(format!("{outcome:?}"));
        *count.or_default() += 1;
        self.given_up |= matches!(
            outcome,
            Outcome::Refused | Outcome::Unmatched | Outcome::Failed
        );
        let wrong = matches!(outcome, Outcome::Malformed | Outcome::NoRoom);
        assert!(!wrong, "{}: {outcome:?}", self.context);
    }

    /// What the node's own stack has.
    fn look_for_sockets(&mut self) {
        let (client, gateway) = (self.plan.client, self.plan.gateway);
        let mut servers = self.servers.iter();
        let has = servers.any(|s| s.config.address == gateway && s.has_socket());
        self.world.local.clear();
        if has {
            self.world.local.insert(key_of(client, gateway));
        }
    }

    /// The node's own stack gets a packet as the client sent it.
    fn node(&mut self, segment: &Segment) {
        let mut servers = self.servers.iter_mut();
        if let Some(server) = servers.find(|s| s.config.address == segment.destination) {
            let says = !segment.has(SYN) && !segment.has(RST);
            match &server.peer {
                // Of a connection that was spliced, and its entry is gone (RFC 9293, 3.10.7.4).
                Some(peer) if says && server.has_socket() && !peer.may_be(segment) => {
                    if peer.state == State::Asked {
                        server.sent.extend(refusal(segment));
                    }
                }
                _ => self.backend(segment),
            }
            return;
        }
        let reset = refusal(segment);
        reset
            .into_iter()
            .for_each(|reset| self.carry(Place::Client, reset.frame()));
    }

    /// To a backend, which may be the node's own stack.
    fn forward(&mut self, segment: &Segment, frame: Vec<u8>) {
        match segment.destination == self.plan.gateway {
            true => self.backend(segment),
            false => self.carry(Place::Backend, frame),
        }
    }

    fn backend(&mut self, segment: &Segment) {
        let numbers = (self.plan.number(&mut self.rng), self.rng.word());
        let server = self
            .servers
            .iter_mut()
            .find(|s| s.config.address == segment.destination);
        let Some(server) = server else {
            panic!("{}: no such backend: {segment:?}", self.context);
        };
        server.input(segment, numbers, self.now);
    }
}
