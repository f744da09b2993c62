//! A backend is asked, and gets the hello.

use gateway_common::splice::{Outcome::*, state::SPLICED};

use crate::{
    path::Hook::*,
    tls::{
        segment::{ACK, FIN, Item::Mss, Number, PSH, RST, Segment, hop, hops},
        talk::*,
        world::{Row, becomes, in_all_worlds, stays},
    },
};

/// An acknowledgment of so many bytes, with a window.
fn has(talk: Talk, bytes: u32, window: u16) -> Segment {
    Segment {
        window,
        ..talk.replies(ACK, 0, bytes, &[])
    }
}

/// What it gets then, as the backend's latest time stamp is known.
fn next(talk: Talk, flags: u8, hello: &[u8], from: usize, to: usize) -> Segment {
    Segment {
        options: stamps(CLIENT_NEXT, BACKEND_NEXT),
        ..talk.piece(flags, from as u32, &hello[from..to])
    }
}

#[test]
fn the_backend_gets_the_hello_as_it_takes_it() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            world.reset();
            let (talk, hello) = (Talk::of(way), way.hello(3000));
            let hook = way.hook();
            let first = talk.piece(ACK, 0, &hello[..1368]);
            let second = next(talk, ACK, &hello, 1368, 2736);
            let last = next(talk, ACK | PSH, &hello, 2736, 3000);
            let all = talk.hears(ACK, 0, 3000, &[]);
            world.run(&talk.ask(&hello));
            world.run(&[
                talk.takes(&first),
                becomes("again", hook, talk.accepts(), Replayed, &first),
                stays("nothing new", hook, has(talk, 0, 1000), Idle),
                stays("never sent", hook, has(talk, 1369, 1000), Idle),
                stays("no flag", hook, talk.replies(0, 0, 0, &[]), Idle),
                becomes("has one", hook, has(talk, 1368, 1000), Replayed, second),
                becomes("has two", hook, has(talk, 2736, 1000), Replayed, last),
                becomes("has all", hook, has(talk, 3000, 1000), ToClient, all),
            ]);
            assert_eq!(world.splice().phase, SPLICED);
            assert!(world.kept().hellos.is_empty());
        }
    });
}

/// Windows are those of the backend, in steps of 1 << 9 bytes.
#[test]
fn no_piece_is_larger_than_the_window() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            world.reset();
            let (talk, hello) = (Talk::of(way), way.hello(3000));
            let hook = way.hook();
            let first = talk.piece(ACK, 0, &hello[..1368]);
            let small = next(talk, ACK, &hello, 1368, 1880);
            let asks = talk.says(ACK, 0, &hello[..9]);
            world.run(&talk.ask(&hello));
            world.run(&[
                talk.takes(&first),
                becomes("512 bytes", hook, has(talk, 1368, 1), Replayed, small),
                stays("shut", hook, has(talk, 1880, 0), Idle),
                stays("the client, at once", Ingress, &asks, Repeated),
            ]);
            world.wait(200);
            // For a window that was opened, and that was lost.
            let probe = next(talk, ACK, &hello, 1880, 1881);
            let rest = next(talk, ACK | PSH, &hello, 1880, 3000);
            world.run(&[
                becomes("the client asks", Ingress, &asks, Replayed, probe),
                becomes("open", hook, has(talk, 1880, 100), Replayed, rest),
            ]);
        }
    });
}

/// Time stamps, scales and selective acknowledgments are what both ends offer.
#[test]
fn a_backend_may_offer_less_than_the_client() {
    use Offers::*;
    in_all_worlds(|world| {
        for (client, backend) in [
            (Stamps, Scale),
            (Stamps, Plain),
            (Scale, Scale),
            (Scale, Plain),
            (Plain, Plain),
        ] {
            for way in Way::ALL {
                Talk::offering(way, client, backend).established_in(world);
            }
        }
    });
}

/// A backend that says no segment size, or takes small ones.
#[test]
fn pieces_are_as_small_as_the_backend_wants() {
    in_all_worlds(|world| {
        for (options, bytes) in [(vec![], 536), (vec![Mss(700)], 700)] {
            world.reset();
            let way = Way::Near;
            let talk = Talk::offering(way, Offers::Plain, Offers::Plain);
            let hello = way.hello(1000);
            world.run(&talk.ask(&hello));
            let accepts = Segment {
                options,
                ..talk.accepts()
            };
            let (first, rest) = hello.split_at(bytes);
            world.run(&[
                becomes(
                    "SYN-ACK",
                    Egress,
                    accepts,
                    Replayed,
                    talk.piece(ACK, 0, first),
                ),
                becomes(
                    "ACK",
                    Egress,
                    talk.replies(ACK, 0, bytes as u32, &[]),
                    Replayed,
                    talk.piece(ACK | PSH, bytes as u32, rest),
                ),
            ]);
        }
    });
}

/// A backend that talks before it has the hello: the client hears it, and what it acknowledges goes to
/// the backend with the next piece, at once.
#[test]
fn an_end_may_talk_first() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            world.reset();
            let (talk, hello) = (Talk::of(way), way.hello(2000));
            let heard = Segment {
                acknowledged: Number::Cookie(10),
                options: stamps(CLIENT_NEXT + 50, Number::Stamp(0)),
                ..talk.says(ACK, 1368, &[])
            };
            let rest = Segment {
                acknowledged: (BACKEND_FIRST + 9).into(),
                options: stamps(CLIENT_NEXT + 50, BACKEND_NEXT),
                ..talk.piece(ACK | PSH, 1368, &hello[1368..])
            };
            world.run(&talk.ask(&hello));
            world.run(&[
                talk.takes(talk.piece(ACK, 0, &hello[..1368])),
                becomes(
                    "it speaks",
                    way.hook(),
                    talk.replies(ACK, 0, 1368, b"220 ready"),
                    ToClient,
                    talk.hears(ACK, 0, 1368, b"220 ready"),
                ),
                becomes("the client hears", Ingress, heard, Replayed, &rest),
            ]);
            // An old copy, when the client sends again, takes neither back.
            world.wait(200);
            let old = talk.says(ACK, 0, &hello[..1400]);
            world.check(&becomes("old copy", Ingress, old, Replayed, &rest));
            // Now no other may take its place.
            world.run(&after_it_spoke(talk));
            assert!(world.kept().is_empty());
        }
    });
}

/// A reset of a backend that the client has heard 9 bytes of.
fn after_it_spoke(talk: Talk) -> Vec<Row> {
    let way = talk.way;
    let reset = Segment {
        sequence: Number::Cookie(10),
        ..talk.reset(ACK, 0)
    };
    let says = Segment {
        acknowledged: Number::Cookie(10),
        ..talk.says(ACK, 1368, b"x")
    };
    let again = Segment {
        sequence: Number::Cookie(10),
        ..talk.reset(ACK, 1369)
    };
    vec![
        becomes(
            "RST",
            way.hook(),
            talk.replies(RST, 9, 0, &[]),
            Failed,
            reset,
        ),
        // Should that be lost, the client is told again, until it knows.
        becomes("the client goes on", Ingress, says, Refused, again),
        stays("it gives up", Ingress, talk.says(RST, 1368, &[]), GivenUp),
    ]
}

/// What ends before it begins: the backend's FIN with an answer goes on, and the rest of the hello to
/// the backend nevertheless.
#[test]
fn an_end_may_close_before_it_has_the_hello() {
    let way = Way::Near;
    let (talk, hello) = (Talk::of(way), way.hello(2000));
    in_all_worlds(|world| {
        world.run(&talk.ask(&hello));
        world.run(&[
            becomes(
                "SYN-ACK",
                Egress,
                talk.accepts(),
                Replayed,
                talk.piece(ACK, 0, &hello[..1368]),
            ),
            becomes(
                "FIN",
                Egress,
                talk.replies(ACK | FIN, 0, 0, b"no"),
                ToClient,
                talk.hears(ACK | FIN, 0, 0, b"no"),
            ),
        ]);
    });
}

#[test]
fn a_client_that_gives_up_takes_the_backend_along() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            for answered in [false, true] {
                world.reset();
                let (talk, hello) = (Talk::of(way), way.hello(500));
                let to_backend = |sequence: u32| Segment {
                    source: way.seen(),
                    destination: way.ends()[0],
                    sequence: sequence.into(),
                    acknowledged: 0.into(),
                    ..talk.reset(0, 0)
                };
                world.run(&talk.ask(&hello));
                let mut waits_for = CLIENT_ISN;
                if answered {
                    waits_for = FIRST;
                    let piece = talk.piece(ACK | PSH, 0, &hello);
                    let row = talk.takes(piece);
                    world.check(&row);
                }
                world.check(&becomes(
                    "RST",
                    Ingress,
                    talk.says(RST, 50, &[]),
                    GivenUpToBackend,
                    to_backend(waits_for),
                ));
                assert!(world.kept().is_empty());
            }
        }
    });
}

/// Between a far backend and the client this node is a router.
#[test]
fn a_packet_without_a_hop_left_goes_nowhere() {
    in_all_worlds(|world| {
        let talk = Talk::of(Way::Far);
        let bytes = talk.established_in(world);
        let reply = |told| {
            let mut frame = talk.replies(ACK, 0, bytes, &[]).frame(world.family, told);
            hop_until(&mut frame, 1);
            frame
        };
        let heard = |told| {
            let mut frame = talk.hears(ACK, 0, bytes, &[]).frame(world.family, told);
            hop_until(&mut frame, 1);
            frame
        };
        let (reply, heard) = (reply(world.told), heard(world.told));
        world.check(&becomes("last hop", Answer, reply, ToClient, heard));
    });
}

fn hop_until(frame: &mut [u8], left: u8) {
    while hops(frame) > left {
        hop(frame);
    }
}
