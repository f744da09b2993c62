//! Both ends: just enough of a protocol that a packet which went astray is noticed.

use std::collections::HashSet;

use super::{End, Parsed, Spec};
use crate::frames::{ACK, FIN, RST, SYN, tcp, udp};

/// One connection, or one session over UDP: asks one thing after the other until it is answered.
#[derive(Debug)]
pub(super) struct Client {
    number: u8,
    pub(super) end: End,
    pub(super) vip: End,
    pub(super) is_tcp: bool,
    state: State,
    exchanges: u8,
    /// Nothing is sent before, in milliseconds.
    waits: u64,
    /// Backend that has answered.
    server: Option<u8>,
    /// Another one may answer, or refuse: the backend was taken away before a connection was
    /// established, or during a session.
    loose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Opening,
    Asking(u8),
    Closing,
    Done,
}

pub(super) enum Heard {
    Nothing,
    /// What was asked for: the next thing can be sent.
    Next,
    Wrong(&'static str),
}

impl Client {
    pub(super) fn new(number: u8, end: End, vip: End, is_tcp: bool, exchanges: u8) -> Self {
        Self {
            number,
            end,
            vip,
            is_tcp,
            state: match is_tcp {
                true => State::Opening,
                false => State::Asking(0),
            },
            exchanges,
            waits: 0,
            server: None,
            loose: false,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    pub(super) fn wait_until(&mut self, time: u64) {
        self.waits = time;
    }

    /// `None` while there is nothing to send.
    pub(super) fn due(&self, now: u64) -> Option<Spec> {
        if now < self.waits {
            return None;
        }
        let (flags, exchange) = match self.state {
            State::Opening => (SYN, 0),
            State::Asking(exchange) => (ACK, exchange),
            State::Closing => (FIN | ACK, 0),
            State::Done => return None,
        };
        let mut packet = match self.is_tcp {
            true => tcp(self.end, self.vip, flags),
            false => udp(self.end, self.vip),
        };
        packet.payload = vec![self.number, exchange];
        Some(packet)
    }

    pub(super) fn backend_is_gone(&mut self, id: u32) {
        let is_own = self.server.is_some_and(|server| u32::from(server) == id);
        let may_be_own = self.server.is_none();
        self.loose |= may_be_own || (is_own && !self.is_tcp);
    }

    pub(super) fn hear(&mut self, reply: &Parsed) -> Heard {
        let flags = reply.flags.unwrap_or(ACK);
        if flags & RST != 0 {
            if !self.loose && !self.is_done() {
                return Heard::Wrong("reset");
            }
            // Somebody else would try again.
            self.state = State::Done;
            return Heard::Nothing;
        }
        let &[number, exchange, server] = &reply.payload[..] else {
            return Heard::Wrong("other bytes");
        };
        if number != self.number {
            return Heard::Wrong("the answer to another client");
        }
        let moved = self.server.is_some_and(|before| before != server);
        if moved && !self.loose {
            return Heard::Wrong("another backend answers");
        }
        self.state = match (self.state, flags) {
            (State::Opening, flags) if flags == SYN | ACK => State::Asking(0),
            (State::Asking(now), ACK) if now == exchange => match now + 1 {
                next if next < self.exchanges => State::Asking(next),
                _ if self.is_tcp => State::Closing,
                _ => State::Done,
            },
            (State::Closing, flags) if flags == FIN | ACK => State::Done,
            _ => return Heard::Nothing,
        };
        self.server = Some(server);
        Heard::Next
    }
}

/// A backend: answers what belongs to a connection that it knows.
pub(super) struct Server {
    pub(super) id: u8,
    pub(super) end: End,
    /// By the client's end, as seen here.
    known: HashSet<End>,
}

impl Server {
    pub(super) fn new((id, end): (u8, End)) -> Self {
        Self {
            id,
            end,
            known: HashSet::new(),
        }
    }

    pub(super) fn answer(&mut self, frame: &[u8]) -> Spec {
        let Some(request) = Parsed::of(frame) else {
            panic!("no request: {frame:02x?}");
        };
        let (client, payload) = (request.source, [&request.payload[..], &[self.id]].concat());
        let mut answer = match request.flags {
            None => udp(self.end, client),
            Some(SYN) => {
                self.known.insert(client);
                tcp(self.end, client, SYN | ACK)
            }
            Some(flags) if self.known.contains(&client) => tcp(self.end, client, flags),
            Some(_) => tcp(self.end, client, RST),
        };
        answer.payload = payload;
        answer
    }
}
