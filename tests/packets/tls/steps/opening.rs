//! Before there is an entry: SYNs, what proves itself, and what does not.

use gateway_common::{abi::TlsSecret, splice::Outcome::*};

use crate::{
    fixture::CLIENT,
    frames::Family,
    path::Hook::*,
    tls::{
        fixture::NOBODY,
        judge::{Entry, Table},
        segment::{
            ACK, FIN,
            Item::{self, *},
            Number, PSH, RST, SYN, Segment,
        },
        talk::*,
        world::{Row, becomes, in_all_worlds, stays},
    },
};

const ALL: [Offers; 3] = [Offers::Stamps, Offers::Scale, Offers::Plain];

fn talk(client: Offers) -> Talk {
    Talk::offering(Way::Near, client, client)
}

#[test]
fn a_syn_is_answered_with_what_it_offers_and_the_least_is_kept() {
    in_all_worlds(|world| {
        for client in ALL {
            world.reset();
            let talk = talk(client);
            let early = Segment {
                data: b"early".to_vec(),
                ..talk.syn()
            };
            world.run(&[
                talk.opens(),
                talk.opens(),
                becomes("data in it", Ingress, early, Accepted, talk.syn_ack()),
            ]);
            let kept = world.kept();
            assert!(kept.is_empty());
            let half_open = usize::from(client == Offers::Scale);
            assert_eq!(kept.half_open.len(), half_open, "{client:?}");
            if client == Offers::Stamps {
                // SACK, and shift 8.
                assert_eq!(world.told.stamp & 0x3f, 1 << 4 | 8);
            }
        }
    });
}

/// Options that a SYN need not have, in any combination and place.
#[test]
fn what_a_client_does_not_offer_is_not_answered() {
    let stamps = || Stamps(CLIENT_STAMP.into(), 0.into());
    let told = || Stamps(Number::Stamp(0), CLIENT_STAMP.into());
    let cases: [(Vec<Item>, Vec<Item>); 6] = [
        (vec![], [vec![Mss(1400)], vec![Nop; 8]].concat()),
        (
            vec![stamps()],
            [vec![Mss(1400), Nop, Nop, told()], vec![Nop; 4]].concat(),
        ),
        (
            vec![Nop, Scale(3), stamps(), Nop, Nop, Mss(536)],
            vec![Mss(1400), Nop, Nop, told(), Nop, Scale(7)],
        ),
        (
            vec![SackPermitted, stamps()],
            [vec![Mss(1400), SackPermitted, told()], vec![Nop; 4]].concat(),
        ),
        (
            vec![SackPermitted],
            [vec![Mss(1400), Nop, Nop, SackPermitted], vec![Nop; 4]].concat(),
        ),
        (
            vec![Scale(14)],
            [vec![Mss(1400)], vec![Nop; 5], vec![Scale(7)]].concat(),
        ),
    ];
    in_all_worlds(|world| {
        for (offered, answered) in &cases {
            world.reset();
            let talk = talk(Offers::Plain);
            let syn = Segment {
                options: offered.clone(),
                ..talk.syn()
            };
            let syn_ack = Segment {
                options: answered.clone(),
                ..talk.syn_ack()
            };
            world.check(&becomes("SYN", Ingress, syn, Accepted, syn_ack));
        }
    });
}

#[test]
fn an_acknowledgment_proves_itself_and_leaves_no_memory() {
    in_all_worlds(|world| {
        for client in ALL {
            world.reset();
            let talk = talk(client);
            let ack = talk.says(ACK, 0, &[]);
            let forged = Segment {
                acknowledged: Number::Cookie(1 + (1 << 20)),
                ..ack.clone()
            };
            let alive = talk.says(ACK, u32::MAX, &[]);
            let answer = Segment {
                window: match client {
                    Offers::Plain => 17 * 1024,
                    _ => 17 * 8,
                },
                options: match client {
                    Offers::Stamps => stamps(Number::Stamp(0), CLIENT_NEXT),
                    _ => Vec::new(),
                },
                ..talk.told(ACK, 0)
            };
            world.run(&[
                talk.opens(),
                stays("bare", Ingress, ack, Proved),
                becomes("keep-alive", Ingress, alive, Acknowledged, answer),
                stays("forged", Ingress, forged, Unproved),
            ]);
            assert!(world.kept().is_empty());
        }
    });
}

#[test]
fn an_end_before_any_data_is_a_reset() {
    in_all_worlds(|world| {
        for client in ALL {
            world.reset();
            let talk = talk(client);
            let fin = talk.says(ACK | FIN, 0, &[]);
            let reset = talk.reset(ACK, 1);
            world.run(&[talk.opens(), becomes("FIN", Ingress, fin, Unused, reset)]);
            assert!(world.kept().is_empty());
        }
    });
}

#[test]
fn what_proves_nothing_is_dropped_or_the_stacks_to_reset() {
    in_all_worlds(|world| {
        let talk = talk(Offers::Stamps);
        let late = talk.says(ACK, 1000, b"rest");
        let echo = |ago: u32| Segment {
            options: stamps(CLIENT_NEXT, Number::Stamp(0_u32.wrapping_sub(ago))),
            ..late.clone()
        };
        let bare = |segment: &Segment| Segment {
            data: Vec::new(),
            ..segment.clone()
        };
        world.run(&[
            talk.opens(),
            stays("second segment first", Ingress, &late, Unproved),
            stays("28 s old", Ingress, echo(28_000), Unproved),
            stays("31 s old", Ingress, echo(31_000), Stray),
            stays("the same without data", Ingress, bare(&echo(31_000)), Stray),
            stays("RST", Ingress, talk.says(RST, 0, &[]), Unproved),
            stays("RST, ACK", Ingress, talk.says(RST | ACK, 0, &[]), Unproved),
            stays("SYN, ACK", Ingress, talk.says(SYN | ACK, 0, &[]), Unproved),
            stays("no flag", Ingress, talk.says(0, 0, b"x"), Unproved),
        ]);
        assert!(world.kept().is_empty() && world.kept().half_open.is_empty());
    });
}

/// Without time stamps: since it was heard of first.
#[test]
fn a_stray_without_time_stamps_is_one_after_a_while() {
    in_all_worlds(|world| {
        for client in [Offers::Scale, Offers::Plain] {
            world.reset();
            let talk = talk(client);
            let late = talk.says(ACK, 1000, b"rest");
            for expected in [Unproved, Unproved, Stray] {
                world.check(&stays("of nobody", Ingress, &late, expected));
                world.wait(16_000);
            }
            assert_eq!(world.kept().half_open.len(), 1);
        }
    });
}

#[test]
fn without_a_secret_the_stack_gets_all() {
    in_all_worlds(|world| {
        let talk = talk(Offers::Stamps);
        world.put(&Entry::Secret(TlsSecret::default()));
        world.run(&[
            stays("SYN", Ingress, talk.syn(), NoCookie),
            stays("ACK", Ingress, talk.says(ACK, 0, &[]), Stray),
            stays("data", Ingress, talk.says(ACK, 0, &[22]), Stray),
        ]);
        // A cookie that was made with another one.
        world.reset();
        world.check(&talk.opens());
        world.put(&Entry::Secret(TlsSecret { key: [7, 9] }));
        world.check(&stays("data", Ingress, talk.says(ACK, 0, &[22]), Unproved));
    });
}

/// The first data, and a SYN after it.
fn full(talk: Talk) -> Vec<Row> {
    let other = Segment {
        sequence: 5.into(),
        ..talk.syn()
    };
    let mut unknown = talk.says(ACK, 0, &[22]);
    unknown.acknowledged = Number::Cookie(77);
    vec![
        becomes(
            "first data",
            Ingress,
            talk.says(ACK, 0, &[22]),
            Full,
            talk.reset(ACK, 1),
        ),
        stays("SYN", Ingress, other, NoCookie),
        stays("of the stack's own cookie", Ingress, unknown, Stray),
    ]
}

/// A connection that was promised something is reset; those that come are not promised anything.
#[test]
fn full_tables_leave_new_connections_to_the_stack() {
    in_all_worlds(|world| {
        for (table, client) in [
            (Table::Splices, Offers::Stamps),
            (Table::Splices, Offers::Plain),
            (Table::Hellos, Offers::Scale),
        ] {
            world.reset();
            world.fill(table);
            let talk = talk(client);
            world.check(&talk.opens());
            world.run(&full(talk));
            world.put(&Entry::FullSince(2));
            world.check(&talk.opens());
        }
    });
}

#[test]
fn a_full_table_of_options_leaves_what_the_cookie_says() {
    in_all_worlds(|world| {
        world.fill(Table::HalfOpen);
        let (offers, told) = (talk(Offers::Scale), talk(Offers::Plain));
        world.run(&[
            becomes("SYN", Ingress, offers.syn(), Accepted, told.syn_ack()),
            stays("data", Ingress, told.says(ACK, 0, &[22]), Collected),
        ]);
        let splice = world.splice();
        assert_eq!((splice.offer.mss, splice.offer.has_scale()), (1460, false));
        assert_eq!(splice.window_client, 500);
    });
}

#[test]
fn the_first_data_opens_an_entry_with_what_the_client_offered() {
    in_all_worlds(|world| {
        for client in ALL {
            world.reset();
            let talk = talk(client);
            world.run(&[
                talk.opens(),
                stays("data", Ingress, talk.says(ACK, 0, &[22, 3]), Collected),
            ]);
            let splice = world.splice();
            let (window, scale, stamps) = match client {
                Offers::Stamps => (500 << 8, 8, true),
                Offers::Scale => (500 << 8, 8, false),
                Offers::Plain => (500, 15, false),
            };
            assert_eq!(splice.window_client, window);
            let offer = splice.offer;
            assert_eq!((offer.mss, offer.scale), (1460, scale));
            assert_eq!(offer.has_stamps(), stamps);
            assert_eq!(offer.has_sack(), client != Offers::Plain);
            assert_eq!(world.kept().hellos, [(world.key(), 2)]);
            assert!(world.kept().half_open.is_empty());
        }
    });
}

#[test]
fn other_ports_are_not_of_it() {
    in_all_worlds(|world| {
        let talk = talk(Offers::Stamps);
        let elsewhere = Segment {
            destination: NOBODY,
            ..talk.syn()
        };
        let back = Segment {
            source: CLIENT,
            ..talk.replies(ACK, 0, 0, b"x")
        };
        world.run(&[
            stays("SYN", Ingress, elsewhere, None),
            stays("what leaves", Egress, &back, None),
            stays("what arrives", Answer, &back, None),
        ]);
    });
}

/// Headers that say more than there is, or less than a header.
#[test]
fn what_cannot_be_read_is_the_stacks() {
    in_all_worlds(|world| {
        let segment = Talk::of(Way::Near).says(ACK | PSH, 0, b"data");
        let frame = segment.frame(world.family, world.told);
        let header = match world.family {
            Family::V4 => 34,
            Family::V6 => 54,
        };
        for words in [0, 4, 15] {
            let mut frame = frame.clone();
            frame[header + 12] = words << 4;
            world.check(&stays("its own length", Ingress, frame, Malformed));
        }
        // The first program sees that.
        let cut = frame[..header + 6].to_vec();
        world.check(&stays("cut", Ingress, cut, None));
    });
}
