//! What the ends of a connection say, and what they are told: the usual segments.

use gateway_common::splice::Outcome;

pub(crate) use super::way::{Offers, Way, hello, stamps};
use super::{
    fixture::{MSS, TLS},
    segment::{ACK, Item::*, Number, PSH, RST, SYN, Segment},
    way::made_options,
    world::{Frame, Row, World, becomes, stays},
};
use crate::{fixture::CLIENT, frames::End, path::Hook::*};

/// Initial numbers of the client and of a backend.
pub(crate) const CLIENT_ISN: u32 = 0xffff_fff0;
pub(crate) const BACKEND_ISN: u32 = 0x8000_0000;
/// First time stamps of both.
pub(crate) const CLIENT_STAMP: u32 = 77_000;
pub(crate) const BACKEND_STAMP: u32 = 5;
/// The number behind the client's SYN, and behind the backend's.
pub(crate) const FIRST: u32 = CLIENT_ISN.wrapping_add(1);
pub(crate) const BACKEND_FIRST: u32 = BACKEND_ISN + 1;
/// The client's next time stamp, and the backend's.
pub(crate) const CLIENT_NEXT: u32 = CLIENT_STAMP + 10;
pub(crate) const BACKEND_NEXT: u32 = BACKEND_STAMP + 1;
/// Largest segment that a backend takes, without options.
pub(crate) const BACKEND_MSS: u16 = 1380;

/// A connection of the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Talk {
    pub(crate) way: Way,
    pub(crate) client: Offers,
    pub(crate) backend: Offers,
}

impl Talk {
    /// With all options.
    pub(crate) const fn of(way: Way) -> Self {
        Self::offering(way, Offers::Stamps, Offers::Stamps)
    }

    pub(crate) const fn offering(way: Way, client: Offers, backend: Offers) -> Self {
        Self {
            way,
            client,
            backend,
        }
    }

    /// Both ends send time stamps.
    fn has_stamps(self) -> bool {
        self.client == Offers::Stamps && self.backend == Offers::Stamps
    }

    /// Both ends shift windows.
    pub(crate) fn has_scale(self) -> bool {
        self.client != Offers::Plain && self.backend != Offers::Plain
    }

    pub(crate) fn syn(self) -> Segment {
        let options = match self.client {
            Offers::Stamps => vec![
                Mss(1460),
                SackPermitted,
                Stamps(CLIENT_STAMP.into(), 0.into()),
                Nop,
                Scale(8),
            ],
            // As other systems put them.
            Offers::Scale => vec![Mss(1460), Nop, Scale(8), Nop, Nop, SackPermitted],
            Offers::Plain => vec![Mss(1460)],
        };
        Segment {
            source: CLIENT,
            destination: TLS,
            sequence: CLIENT_ISN.into(),
            acknowledged: 0.into(),
            flags: SYN,
            window: 64_000,
            options,
            data: Vec::new(),
        }
    }

    /// What the client is told.
    pub(crate) fn syn_ack(self) -> Segment {
        Segment {
            source: TLS,
            destination: CLIENT,
            sequence: Number::Cookie(0),
            acknowledged: FIRST.into(),
            flags: SYN | ACK,
            window: 17 * 1024,
            options: made_options(self.client, MSS, 7, (Number::Stamp(0), CLIENT_STAMP.into())),
            data: Vec::new(),
        }
    }

    /// The SYN of another connection of the client, answered.
    pub(crate) fn opens_another(self) -> Row {
        let other = Segment {
            sequence: 5.into(),
            ..self.syn()
        };
        let told = Segment {
            acknowledged: 6.into(),
            ..self.syn_ack()
        };
        becomes("another SYN", Ingress, other, Outcome::Accepted, told)
    }

    /// The first end takes the connection, and gets the first piece.
    pub(crate) fn takes(self, piece: impl Into<Frame>) -> Row {
        let accepts = self.accepts();
        becomes(
            "SYN-ACK",
            self.way.hook(),
            accepts,
            Outcome::Replayed,
            piece,
        )
    }

    /// From the client, `offset` bytes behind its SYN.
    pub(crate) fn says(self, flags: u8, offset: u32, data: &[u8]) -> Segment {
        Segment {
            source: CLIENT,
            destination: TLS,
            sequence: FIRST.wrapping_add(offset).into(),
            acknowledged: Number::Cookie(1),
            flags,
            window: 500,
            options: match self.client {
                Offers::Stamps => stamps(CLIENT_NEXT, Number::Stamp(0)),
                _ => Vec::new(),
            },
            data: data.to_vec(),
        }
    }

    /// To the client, without data.
    pub(crate) fn told(self, flags: u8, acknowledged: u32) -> Segment {
        Segment {
            source: TLS,
            destination: CLIENT,
            sequence: Number::Cookie(1),
            acknowledged: FIRST.wrapping_add(acknowledged).into(),
            flags,
            window: 0,
            options: Vec::new(),
            data: Vec::new(),
        }
    }

    /// The SYN for an end.
    pub(crate) fn asks(self, end: End) -> Segment {
        let mss = match self.way {
            Way::Proxy => MSS,
            Way::Near | Way::Far => 1460,
        };
        Segment {
            source: self.way.seen(),
            destination: end,
            sequence: CLIENT_ISN.into(),
            acknowledged: 0.into(),
            flags: SYN,
            // What the client has room for, as far as a SYN can say it.
            window: if self.client == Offers::Plain {
                500
            } else {
                u16::MAX
            },
            options: made_options(self.client, mss, 8, (CLIENT_NEXT.into(), 0.into())),
            data: Vec::new(),
        }
    }

    /// The SYN-ACK of the first end.
    pub(crate) fn accepts(self) -> Segment {
        let stamps = Stamps(BACKEND_STAMP.into(), CLIENT_NEXT.into());
        let options = match self.backend {
            Offers::Stamps => vec![Mss(BACKEND_MSS), SackPermitted, stamps, Nop, Scale(9)],
            Offers::Scale => vec![Mss(BACKEND_MSS), Nop, Nop, SackPermitted, Nop, Scale(9)],
            Offers::Plain => vec![Mss(BACKEND_MSS)],
        };
        Segment {
            source: self.way.ends()[0],
            destination: self.way.seen(),
            sequence: BACKEND_ISN.into(),
            acknowledged: FIRST.into(),
            flags: SYN | ACK,
            window: 60_000,
            options,
            data: Vec::new(),
        }
    }

    /// A piece of the hello, or an acknowledgment, for the first end.
    pub(crate) fn piece(self, flags: u8, offset: u32, data: &[u8]) -> Segment {
        Segment {
            source: self.way.seen(),
            destination: self.way.ends()[0],
            sequence: FIRST.wrapping_add(offset).into(),
            acknowledged: BACKEND_FIRST.into(),
            flags,
            window: match (self.client, self.has_scale()) {
                // 500 << 8 bytes, where windows are not shifted.
                (Offers::Stamps | Offers::Scale, false) => u16::MAX,
                _ => 500,
            },
            options: match self.has_stamps() {
                true => stamps(CLIENT_NEXT, BACKEND_STAMP),
                false => Vec::new(),
            },
            data: data.to_vec(),
        }
    }

    /// From the first end, which has had `bytes` of the client.
    pub(crate) fn replies(self, flags: u8, offset: u32, bytes: u32, data: &[u8]) -> Segment {
        Segment {
            source: self.way.ends()[0],
            destination: self.way.seen(),
            sequence: (BACKEND_FIRST + offset).into(),
            acknowledged: FIRST.wrapping_add(bytes).into(),
            flags,
            window: 1000,
            options: match self.has_stamps() {
                true => stamps(BACKEND_NEXT, CLIENT_NEXT),
                false => Vec::new(),
            },
            data: data.to_vec(),
        }
    }

    /// The same as the client gets it.
    pub(crate) fn hears(self, flags: u8, offset: u32, bytes: u32, data: &[u8]) -> Segment {
        Segment {
            source: TLS,
            destination: CLIENT,
            sequence: Number::Cookie(1 + offset),
            window: match (self.client, self.backend) {
                (Offers::Plain, _) => 1000,
                // 1000 bytes, shifted by 7.
                (_, Offers::Plain) => 7,
                // 1000 << 9 bytes, shifted by 7.
                _ => 4000,
            },
            options: match self.has_stamps() {
                true => stamps(Number::Stamp(1), CLIENT_NEXT),
                false => Vec::new(),
            },
            ..self.replies(flags, offset, bytes, data)
        }
    }

    /// The SYN, answered.
    pub(crate) fn opens(self) -> Row {
        let (syn, told) = (self.syn(), self.syn_ack());
        becomes("SYN", Ingress, syn, Outcome::Accepted, told)
    }

    /// As far as the SYN for the first end.
    pub(crate) fn ask(self, hello: &[u8]) -> Vec<Row> {
        let mut rows = vec![self.opens()];
        let mut offset = 0;
        for piece in hello.chunks(1400) {
            let says = self.says(ACK, offset, piece);
            offset += piece.len() as u32;
            rows.push(match offset as usize == hello.len() {
                true => becomes(
                    "last of the hello",
                    Ingress,
                    says,
                    self.way.asked(),
                    self.asks(self.way.ends()[0]),
                ),
                false => stays("hello", Ingress, says, Outcome::Collected),
            });
        }
        rows
    }

    /// As far as an established connection, with a hello in one piece.
    pub(crate) fn establish(self) -> (Vec<Row>, u32) {
        let hello = self.way.hello(500);
        let bytes = hello.len() as u32;
        let mut rows = self.ask(&hello);
        rows.push(becomes(
            "SYN-ACK",
            self.way.hook(),
            self.accepts(),
            Outcome::Replayed,
            self.piece(ACK | PSH, 0, &hello),
        ));
        rows.push(becomes(
            "it has the hello",
            self.way.hook(),
            self.replies(ACK, 0, bytes, &[]),
            Outcome::ToClient,
            self.hears(ACK, 0, bytes, &[]),
        ));
        (rows, bytes)
    }

    /// Does that in a world where there is nothing else.
    pub(crate) fn established_in(self, world: &mut World) -> u32 {
        world.reset();
        let (rows, bytes) = self.establish();
        world.run(&rows);
        bytes
    }

    /// A reset of the client that says so and nothing else.
    pub(crate) fn reset(self, flags: u8, acknowledged: u32) -> Segment {
        self.told(RST | flags, acknowledged)
    }
}
