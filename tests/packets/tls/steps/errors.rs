//! ICMP errors from either side.

use std::net::IpAddr;

use gateway_common::splice::Outcome::*;

use crate::{
    control::{Body, Control, Kinds, NO_PORT, TIME_EXCEEDED, TOO_BIG},
    fixture::{CLIENT, NODE},
    frames::{End, Family, HOPS, v4},
    path::Hook::*,
    tls::{
        fixture::{NOBODY, TLS},
        judge::Table,
        segment::{ACK, Number, PSH, Segment},
        talk::*,
        world::{Frame, Quoted, becomes, in_all_worlds, stays},
    },
};

const ROUTER: IpAddr = v4(198, 51, 100, 77);

/// An error about a segment, from `source` to whom the segment is from.
fn error(kinds: Kinds, source: IpAddr, about: &Segment, mtu: u16) -> Frame {
    let [high, low] = mtu.to_be_bytes();
    let control = Control {
        kinds,
        source,
        destination: about.source.0,
        rest: [0, 0, high, low],
        body: Body::Bytes(Vec::new()),
        back: false,
        hops: HOPS,
    };
    Frame::Error(control, quoted(about))
}

fn quoted(about: &Segment) -> Quoted {
    Quoted {
        source: about.source,
        destination: about.destination,
        sequence: about.sequence,
    }
}

#[test]
fn an_error_about_what_the_backend_said_goes_on_to_it() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            let talk = Talk::of(way);
            let bytes = talk.established_in(world);
            let told = talk.hears(ACK, 700, bytes, b"data");
            let said = talk.replies(ACK, 700, bytes, b"data");
            // The node sends from its own address what it sends to other nodes.
            let source = if way == Way::Far { NODE.0 } else { ROUTER };
            for kinds in [TOO_BIG, NO_PORT, TIME_EXCEEDED] {
                world.check(&becomes(
                    "about a reply",
                    Ingress,
                    error(kinds, ROUTER, &told, 1300),
                    ErrorToBackend,
                    error(kinds, source, &said, 1300),
                ));
            }
        }
    });
}

#[test]
fn an_error_about_what_the_client_said_goes_on_to_it() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            let talk = Talk::of(way);
            let bytes = talk.established_in(world);
            let said = talk.says(ACK, bytes, b"data");
            let passed = Segment {
                source: way.seen(),
                destination: way.ends()[0],
                ..said.clone()
            };
            for kinds in [TOO_BIG, NO_PORT, TIME_EXCEEDED] {
                world.check(&becomes(
                    "about a request",
                    way.hook(),
                    error(kinds, ROUTER, &passed, 1300),
                    ErrorToClient,
                    // It knows nobody else.
                    error(kinds, TLS.0, &said, 1300),
                ));
            }
        }
    });
}

#[test]
fn an_error_about_no_connection_is_not_of_it() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            let talk = Talk::of(way);
            let bytes = talk.established_in(world);
            let other = |end: End| (end.0, end.1 + 1);
            let told = talk.hears(ACK, 0, bytes, b"");
            let to_other = Segment {
                destination: other(CLIENT),
                ..told.clone()
            };
            let from_other = Segment {
                source: NOBODY,
                ..told
            };
            let passed = talk.piece(ACK, 0, b"");
            let to_other_end = Segment {
                destination: other(way.ends()[0]),
                ..passed.clone()
            };
            world.run(&[
                stays(
                    "client",
                    Ingress,
                    error(TOO_BIG, ROUTER, &to_other, 600),
                    None,
                ),
                stays(
                    "listener",
                    Ingress,
                    error(TOO_BIG, ROUTER, &from_other, 600),
                    None,
                ),
                stays(
                    "end",
                    way.hook(),
                    error(TOO_BIG, ROUTER, &to_other_end, 600),
                    None,
                ),
            ]);
            // What the tie leads to is gone.
            let key = world.key();
            world.remove(Table::Splices, &key);
            let about = error(TOO_BIG, ROUTER, &passed, 600);
            world.check(&stays("orphan", way.hook(), about, NotOurs));
        }
    });
}

#[test]
fn before_the_ends_talk_with_each_other_errors_are_dropped() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            world.reset();
            let (talk, hello) = (Talk::of(way), way.hello(500));
            world.run(&talk.ask(&hello));
            let told = Segment {
                sequence: Number::Cookie(0),
                ..talk.told(ACK, 0)
            };
            let asked = talk.asks(way.ends()[0]);
            let piece = talk.piece(ACK | PSH, 0, &hello);
            world.run(&[
                stays(
                    "client",
                    Ingress,
                    error(TOO_BIG, ROUTER, &told, 600),
                    EarlyError,
                ),
                stays(
                    "SYN",
                    way.hook(),
                    error(TOO_BIG, ROUTER, &asked, 600),
                    EarlyError,
                ),
                stays(
                    "closed",
                    way.hook(),
                    error(NO_PORT, ROUTER, &asked, 0),
                    EarlyError,
                ),
                talk.takes(&piece),
                stays(
                    "client",
                    Ingress,
                    error(TOO_BIG, ROUTER, &told, 600),
                    EarlyError,
                ),
                stays(
                    "closed",
                    way.hook(),
                    error(NO_PORT, ROUTER, &piece, 0),
                    EarlyError,
                ),
            ]);
            assert_eq!(world.splice().answer.mss, BACKEND_MSS);
        }
    });
}

/// The hello is cut into smaller pieces; the packet that tells of it becomes the first.
#[test]
fn a_narrow_way_to_the_backend_gets_smaller_pieces() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            world.reset();
            let (talk, hello) = (Talk::of(way), way.hello(2000));
            world.run(&talk.ask(&hello));
            let piece = |bytes: usize| talk.piece(ACK, 0, &hello[..bytes]);
            world.check(&talk.takes(piece(1368)));
            let (headers, least): (u16, u16) = match world.family {
                Family::V4 => (40, 536),
                Family::V6 => (60, 1220),
            };
            let never = Segment {
                sequence: FIRST.wrapping_add(1368).into(),
                ..piece(1)
            };
            let forged = error(TOO_BIG, ROUTER, &never, 1290);
            world.check(&stays("never sent", way.hook(), forged, EarlyError));
            for (mtu, mss) in [(1340, 1340 - headers), (1290, 1290 - headers), (68, least)] {
                let told = error(TOO_BIG, ROUTER, &piece(1), mtu);
                world.run(&[
                    becomes(
                        "too big",
                        way.hook(),
                        told.clone(),
                        Replayed,
                        piece(usize::from(mss) - 12),
                    ),
                    stays("the same", way.hook(), told, EarlyError),
                ]);
            }
        }
    });
}
