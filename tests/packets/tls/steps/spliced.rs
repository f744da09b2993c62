//! An established connection: what is translated, and how it ends.

use gateway_common::{
    abi::{CLOSED_BY_BACKEND, CLOSED_BY_CLIENT},
    splice::{
        Outcome::*,
        state::{RESET_BY_BACKEND, RESET_BY_CLIENT},
    },
};

use crate::{
    path::Hook::*,
    tls::{
        segment::{
            ACK, FIN,
            Item::{self, *},
            Number::{self, Cookie, Stamp},
            PSH, RST, SYN, Segment,
        },
        talk::*,
        world::{becomes, in_all_worlds, stays},
    },
};

/// What the client says, as the first end gets it: `heard` bytes of its are acknowledged.
fn passed(talk: Talk, says: &Segment, heard: u32) -> Segment {
    Segment {
        source: talk.way.seen(),
        destination: talk.way.ends()[0],
        acknowledged: (BACKEND_FIRST + heard).into(),
        ..says.clone()
    }
}

/// Options that begin with so many NOPs.
fn shifted(nops: usize, rest: &[Item]) -> Vec<Item> {
    [&vec![Nop; nops][..], rest].concat()
}

#[test]
fn data_goes_both_ways_with_time_stamps_and_selective_acknowledgments() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            let talk = Talk::of(way);
            let bytes = talk.established_in(world);
            for nops in 0..4 {
                let reply = Segment {
                    options: shifted(
                        nops,
                        &[
                            Stamps(BACKEND_NEXT.into(), CLIENT_NEXT.into()),
                            // Of the client's bytes, whose numbers stay.
                            Sacks(vec![(1.into(), 2.into())]),
                        ],
                    ),
                    ..talk.replies(ACK | PSH, 100, bytes, b"data")
                };
                let heard = Segment {
                    options: shifted(
                        nops,
                        &[
                            Stamps(Stamp(1), CLIENT_NEXT.into()),
                            Sacks(vec![(1.into(), 2.into())]),
                        ],
                    ),
                    ..talk.hears(ACK | PSH, 100, bytes, b"data")
                };
                let edges = |of: fn(u32) -> Number, count: u32| {
                    let each = (0..count).map(|n| (of(60 + 20 * n), of(70 + 20 * n)));
                    Sacks(each.collect())
                };
                // Three blocks are what fits beside time stamps.
                let sacks = if nops == 0 { 3 } else { 2 };
                let says = Segment {
                    acknowledged: Cookie(51),
                    options: shifted(nops, &[Stamps(9.into(), Stamp(1)), edges(Cookie, sacks)]),
                    ..talk.says(ACK, bytes, b"more")
                };
                let behind = |offset: u32| Number::Is(BACKEND_ISN + offset);
                let gets = Segment {
                    options: shifted(
                        nops,
                        &[Stamps(9.into(), BACKEND_NEXT.into()), edges(behind, sacks)],
                    ),
                    ..passed(talk, &says, 50)
                };
                world.run(&[
                    becomes("down", way.hook(), reply, ToClient, heard),
                    becomes("up", Ingress, says, ToBackend, gets),
                ]);
            }
        }
    });
}

/// Only time stamps, as most segments have, and an odd number of bytes.
#[test]
fn usual_segments_are_translated() {
    use Offers::*;
    in_all_worlds(|world| {
        for way in Way::ALL {
            for offers in [Stamps, Scale, Plain] {
                let talk = Talk::offering(way, offers, offers);
                let bytes = talk.established_in(world);
                let says = Segment {
                    acknowledged: Cookie(8),
                    options: match offers {
                        Stamps => stamps(CLIENT_NEXT + 1, Stamp(1)),
                        _ => vec![],
                    },
                    ..talk.says(ACK | PSH, bytes, b"odd")
                };
                let gets = Segment {
                    options: match offers {
                        Stamps => stamps(CLIENT_NEXT + 1, BACKEND_NEXT),
                        _ => vec![],
                    },
                    ..passed(talk, &says, 7)
                };
                world.run(&[
                    becomes(
                        "down",
                        way.hook(),
                        talk.replies(ACK, 0, bytes, b"7 bytes"),
                        ToClient,
                        talk.hears(ACK, 0, bytes, b"7 bytes"),
                    ),
                    becomes("up", Ingress, says, ToBackend, gets),
                ]);
            }
        }
    });
}

/// Four blocks: more does not fit into options.
#[test]
fn selective_acknowledgments_alone_are_translated() {
    in_all_worlds(|world| {
        let talk = Talk::offering(Way::Near, Offers::Scale, Offers::Scale);
        let bytes = talk.established_in(world);
        let edges =
            |of: fn(u32) -> Number| Sacks((1..5).map(|n| (of(n << 28), of(n << 29))).collect());
        for nops in [0, 2, 3] {
            let says = Segment {
                options: shifted(nops, &[edges(Cookie)]),
                ..talk.says(ACK, bytes, &[])
            };
            let gets = Segment {
                options: shifted(nops, &[edges(|n| Number::Is(BACKEND_ISN.wrapping_add(n)))]),
                ..passed(talk, &says, 0)
            };
            world.check(&becomes("up", Ingress, says, ToBackend, gets));
        }
    });
}

#[test]
fn windows_fit_their_field_and_open_ones_stay_open() {
    use Offers::*;
    in_all_worlds(|world| {
        for (backend, down, up) in [
            // The backend's scale is 9, the client is told 7.
            (
                Stamps,
                [(0, 0), (1, 4), (16_383, 65_532), (u16::MAX, u16::MAX)],
                [(0, 0), (1, 1), (255, 255), (u16::MAX, u16::MAX)],
            ),
            // It shifts nothing, and the client by 8.
            (
                Plain,
                [(0, 0), (1, 1), (128, 1), (u16::MAX, 511)],
                [(0, 0), (1, 256), (255, 65_280), (256, u16::MAX)],
            ),
        ] {
            let talk = Talk::offering(Way::Near, Stamps, backend);
            let bytes = talk.established_in(world);
            for (window, expected) in down {
                let reply = Segment {
                    window,
                    ..talk.replies(ACK, 0, bytes, &[])
                };
                let heard = Segment {
                    window: expected,
                    ..talk.hears(ACK, 0, bytes, &[])
                };
                world.check(&becomes("down", Egress, reply, ToClient, heard));
            }
            for (window, expected) in up {
                let says = Segment {
                    window,
                    options: vec![],
                    ..talk.says(ACK, bytes, &[])
                };
                let gets = Segment {
                    window: expected,
                    ..passed(talk, &says, 0)
                };
                world.check(&becomes("up", Ingress, says, ToBackend, gets));
            }
        }
    });
}

#[test]
fn a_connection_ends_when_both_ends_say_so() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            let talk = Talk::of(way);
            let bytes = talk.established_in(world);
            let fin = talk.says(ACK | FIN, bytes, b"bye");
            let gets = Segment {
                options: stamps(CLIENT_NEXT, BACKEND_STAMP),
                ..passed(talk, &fin, 0)
            };
            world.check(&becomes("client's FIN", Ingress, fin, ToBackend, gets));
            let splice = world.splice();
            assert_eq!(splice.state & CLOSED_BY_CLIENT, CLOSED_BY_CLIENT);
            assert!(!splice.closing());
            assert_eq!(splice.client_bytes, u64::from(bytes) + 3);
            world.check(&becomes(
                "backend's FIN",
                way.hook(),
                talk.replies(ACK | FIN, 0, bytes + 4, b"end"),
                ToClient,
                talk.hears(ACK | FIN, 0, bytes + 4, b"end"),
            ));
            let splice = world.splice();
            assert_eq!(splice.state & CLOSED_BY_BACKEND, CLOSED_BY_BACKEND);
            assert!(splice.closing());
            assert_eq!(splice.backend_bytes, 3);
            // An old copy of its own SYN ends nothing; another connection takes the place.
            world.run(&[
                stays("its own SYN", Ingress, talk.syn(), Repeated),
                talk.opens_another(),
            ]);
            assert!(world.kept().is_empty());
        }
    });
}

/// The backend is asked by an old number, which it answers, or resets.
#[test]
fn a_syn_on_a_connection_that_seems_to_live_is_a_question() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            for offers in [Offers::Stamps, Offers::Plain] {
                let talk = Talk::offering(way, offers, offers);
                let bytes = talk.established_in(world);
                let other = Segment {
                    sequence: 5.into(),
                    ..talk.syn()
                };
                let question = Segment {
                    window: 1,
                    // The backend's latest that it has said before it had the hello.
                    options: match offers {
                        Offers::Stamps => stamps(CLIENT_NEXT, BACKEND_NEXT),
                        _ => vec![],
                    },
                    ..talk.piece(ACK, bytes.wrapping_sub(1), &[])
                };
                world.run(&[
                    becomes("another SYN", Ingress, other, Doubted, question),
                    stays("its own", Ingress, talk.syn(), Repeated),
                    stays("SYN, ACK", Ingress, talk.says(SYN | ACK, 0, &[]), Repeated),
                ]);
            }
        }
    });
}

#[test]
fn a_reset_counts_unless_the_other_end_goes_on() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            let talk = Talk::of(way);
            let bytes = talk.established_in(world);
            // Without an acknowledgment nothing but the ends changes.
            let reset = Segment {
                acknowledged: 0.into(),
                options: vec![],
                ..talk.says(RST, bytes, &[])
            };
            let gets = Segment {
                acknowledged: 0.into(),
                ..passed(talk, &reset, 0)
            };
            world.check(&becomes("client's RST", Ingress, reset, ToBackend, gets));
            assert!(world.splice().state & RESET_BY_CLIENT != 0);
            world.check(&becomes(
                "the backend goes on",
                way.hook(),
                talk.replies(ACK, 0, bytes, b"x"),
                ToClient,
                talk.hears(ACK, 0, bytes, b"x"),
            ));
            assert!(!world.splice().closing());
            world.check(&becomes(
                "backend's RST",
                way.hook(),
                talk.replies(RST | ACK, 1, bytes, &[]),
                ToClient,
                talk.hears(RST | ACK, 1, bytes, &[]),
            ));
            assert!(world.splice().state & RESET_BY_BACKEND != 0);
        }
    });
}

/// Options that nobody knows, or that end too late: they stay, and so does what is behind.
#[test]
fn unknown_options_stay() {
    in_all_worlds(|world| {
        let talk = Talk::offering(Way::Far, Offers::Scale, Offers::Scale);
        let bytes = talk.established_in(world);
        for options in [
            vec![Unknown(vec![253, 6, 1, 2, 3, 4])],
            vec![
                Unknown(vec![30, 2]),
                Nop,
                Unknown(vec![5, 9, 1, 2, 3, 4, 5, 6, 7]),
            ],
            vec![Unknown(vec![5, 40, 1, 2])],
            vec![Unknown(vec![8, 0, 1, 2])],
            vec![Unknown(vec![0, 5, 10, 1, 2, 3, 4, 5, 6, 7, 8])],
        ] {
            let says = Segment {
                options: options.clone(),
                ..talk.says(ACK, bytes, b"x")
            };
            let gets = passed(talk, &says, 0);
            let reply = Segment {
                options: options.clone(),
                ..talk.replies(ACK, 0, bytes, b"x")
            };
            let heard = Segment {
                options,
                ..talk.hears(ACK, 0, bytes, b"x")
            };
            world.run(&[
                becomes("up", Ingress, says, ToBackend, gets),
                becomes("down", Answer, reply, ToClient, heard),
            ]);
        }
    });
}
