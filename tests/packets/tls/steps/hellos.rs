//! The hello: cut, reordered, repeated, and what is none.

use gateway_common::splice::{Outcome::*, state::LOCAL};

use crate::{
    path::Hook::*,
    tls::{
        judge::Table,
        segment::{ACK, FIN, Number, PSH, RST, Segment},
        talk::*,
        world::{Row, World, becomes, in_all_worlds, stays},
    },
};

/// Bytes of a hello, from one place to another.
pub(super) fn part(talk: Talk, hello: &[u8], from: usize, to: usize) -> Segment {
    talk.says(ACK, from as u32, &hello[from..to])
}

/// Bytes of the hello that are kept.
fn kept(world: &World) -> u32 {
    let hellos = world.kept().hellos;
    let hello = hellos.iter().find(|(key, _)| *key == world.key());
    hello.expect("a hello").1
}

pub(super) fn collects(name: &'static str, segment: Segment) -> Row {
    stays(name, Ingress, segment, Collected)
}

/// With the client's own number and options, to the first end, from the client or the node.
#[test]
fn a_complete_hello_becomes_the_backends_syn() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            for client in [Offers::Stamps, Offers::Scale, Offers::Plain] {
                world.reset();
                let talk = Talk::offering(way, client, client);
                world.run(&talk.ask(&way.hello(600)));
                let splice = world.splice();
                assert_eq!(splice.service == LOCAL, way == Way::Proxy);
                let tie = (world.back_key(way.ends()[0], way.seen()), world.key());
                assert_eq!(world.kept().ties, [tie]);
            }
        }
    });
}

#[test]
fn a_hello_comes_in_pieces_in_any_order() {
    let way = Way::Near;
    let (talk, hello) = (Talk::of(way), way.hello(3000));
    in_all_worlds(|world| {
        world.run(&[
            talk.opens(),
            collects("first", part(talk, &hello, 0, 1000)),
            collects("third", part(talk, &hello, 2500, 3000)),
            collects("apart from both", part(talk, &hello, 1500, 1600)),
        ]);
        assert_eq!(kept(world), 1000);
        world.run(&[
            collects("to the third", part(talk, &hello, 1800, 2600)),
            becomes(
                "what is missing",
                Ingress,
                part(talk, &hello, 900, 1800),
                Asked,
                talk.asks(way.ends()[0]),
            ),
        ]);
        assert_eq!(kept(world), 3000);
        world.run(&[becomes(
            "SYN-ACK",
            Egress,
            talk.accepts(),
            Replayed,
            talk.piece(ACK, 0, &hello[..1368]),
        )]);
    });
}

/// Each in a segment of its own, and the first bytes of application data behind.
#[test]
fn a_hello_may_come_byte_by_byte() {
    let way = Way::Far;
    let (talk, hello) = (Talk::of(way), way.hello(430));
    in_all_worlds(|world| {
        let mut rows = vec![talk.opens()];
        for at in 0..hello.len() - 1 {
            rows.push(collects("a byte", part(talk, &hello, at, at + 1)));
        }
        let last = [&hello[429..], b"early data"].concat();
        rows.push(becomes(
            "the last one",
            Ingress,
            talk.says(ACK | PSH, 429, &last),
            Asked,
            talk.asks(way.ends()[0]),
        ));
        let whole = [&hello[..], b"early data"].concat();
        rows.push(becomes(
            "SYN-ACK",
            Answer,
            talk.accepts(),
            Replayed,
            talk.piece(ACK | PSH, 0, &whole),
        ));
        world.run(&rows);
    });
}

/// Else a backend could be chosen by one name, and be sent another.
#[test]
fn what_was_read_is_not_replaced() {
    let way = Way::Near;
    let (talk, hello) = (Talk::of(way), way.hello(1000));
    let other = [&[0; 600][..], &hello[600..]].concat();
    in_all_worlds(|world| {
        world.run(&[
            talk.opens(),
            collects("half", part(talk, &hello, 0, 600)),
            becomes(
                "another whole",
                Ingress,
                talk.says(ACK, 0, &other),
                Asked,
                talk.asks(way.ends()[0]),
            ),
            becomes(
                "SYN-ACK",
                Egress,
                talk.accepts(),
                Replayed,
                talk.piece(ACK | PSH, 0, &hello),
            ),
        ]);
    });
}

#[test]
fn old_bytes_alone_are_acknowledged_until_the_hello_is_complete() {
    let way = Way::Near;
    let hello = way.hello(2000);
    in_all_worlds(|world| {
        for client in [Offers::Stamps, Offers::Scale, Offers::Plain] {
            world.reset();
            let talk = Talk::offering(way, client, client);
            let half = part(talk, &hello, 0, 1000);
            let room = 17 * 1024 - 1000;
            let heard = Segment {
                window: if client == Offers::Plain {
                    room
                } else {
                    room >> 7
                },
                options: match client {
                    Offers::Stamps => stamps(Number::Stamp(0), CLIENT_NEXT),
                    _ => Vec::new(),
                },
                ..talk.told(ACK, 1000)
            };
            let rest = part(talk, &hello, 1000, 2000);
            world.run(&[
                talk.opens(),
                collects("half", half.clone()),
                becomes("again", Ingress, half, Acknowledged, &heard),
                becomes(
                    "keep-alive behind it",
                    Ingress,
                    talk.says(ACK, 999, &[]),
                    Acknowledged,
                    &heard,
                ),
                stays("nothing new", Ingress, talk.says(ACK, 1000, &[]), Repeated),
                becomes("rest", Ingress, &rest, Asked, talk.asks(way.ends()[0])),
                stays("again", Ingress, &rest, Repeated),
            ]);
        }
    });
}

#[test]
fn a_client_that_gives_up_is_forgotten() {
    let way = Way::Near;
    let (talk, hello) = (Talk::of(way), way.hello(1000));
    let half = || collects("half", part(talk, &hello, 0, 600));
    in_all_worlds(|world| {
        let far_away = talk.says(RST, 1 << 20, &[]);
        world.run(&[
            talk.opens(),
            half(),
            stays("RST from nowhere", Ingress, far_away, Repeated),
            stays("RST", Ingress, talk.says(RST, 600, &[]), GivenUp),
        ]);
        assert!(world.kept().is_empty());
        // The end of what will never be a hello.
        let end = talk.says(ACK | FIN, 600, &hello[600..700]);
        let reset = talk.reset(ACK, 701);
        world.run(&[half(), becomes("FIN", Ingress, end, Unused, reset)]);
        assert!(world.kept().is_empty());
    });
}

#[test]
fn a_syn_in_between_is_a_copy_unless_the_client_was_silent() {
    let talk = Talk::of(Way::Near);
    let other = Segment {
        sequence: 5.into(),
        ..talk.syn()
    };
    in_all_worlds(|world| {
        world.run(&[
            talk.opens(),
            collects("begin", talk.says(ACK, 0, b"\x16\x03\x01")),
            stays("SYN again", Ingress, talk.syn(), Repeated),
            stays("another SYN", Ingress, &other, Repeated),
        ]);
        world.wait(3_500);
        let told = Segment {
            acknowledged: 6.into(),
            ..talk.syn_ack()
        };
        world.check(&becomes("another SYN", Ingress, &other, Accepted, told));
        assert!(world.kept().is_empty());
    });
}

/// Data of a connection that the client has forgotten, late: its new one goes on all the same.
#[test]
fn first_data_with_another_cookie_takes_the_place() {
    let way = Way::Near;
    let (talk, hello) = (Talk::of(way), way.hello(500));
    let syn = Segment {
        sequence: 5.into(),
        ..talk.syn()
    };
    let told = Segment {
        acknowledged: 6.into(),
        ..talk.syn_ack()
    };
    in_all_worlds(|world| {
        world.check(&talk.opens());
        let late = part(talk, &hello, 0, 100);
        let old = Segment {
            acknowledged: world.told.cookie.wrapping_add(1).into(),
            options: stamps(CLIENT_NEXT, world.told.stamp),
            ..late.clone()
        };
        world.run(&[
            becomes("another SYN", Ingress, &syn, Accepted, told.clone()),
            collects("late data", old.clone()),
        ]);
        let new = Segment {
            sequence: 6.into(),
            ..talk.says(ACK, 0, &hello)
        };
        let asks = Segment {
            sequence: 5.into(),
            ..talk.asks(way.ends()[0])
        };
        // Not the other way: what proves nothing changes nothing.
        let mut forged = old;
        forged.acknowledged = forged.acknowledged.plus(1 << 20);
        world.run(&[
            becomes("new data", Ingress, new, Asked, asks),
            stays("forged", Ingress, forged, Repeated),
        ]);
        assert_eq!(world.splice().initial, 5);
    });
}

/// Of a client that was told that part of its hello has arrived: it cannot begin again with that.
#[test]
fn a_refusal_is_repeated() {
    let talk = Talk::of(Way::Near);
    let first = talk.says(ACK, 0, b"\x16\x03\x01\x02");
    let heard = Segment {
        window: (17 * 1024 - 4) >> 7,
        options: stamps(Number::Stamp(0), CLIENT_NEXT),
        ..talk.told(ACK, 4)
    };
    in_all_worlds(|world| {
        world.run(&[
            talk.opens(),
            collects("begin", first.clone()),
            becomes("again", Ingress, &first, Acknowledged, heard.clone()),
        ]);
        // Nothing is left that it could be kept in.
        let key = world.key();
        world.remove(Table::Hellos, &key);
        world.check(&becomes(
            "more",
            Ingress,
            talk.says(ACK, 4, b"\0\x02\0"),
            Refused,
            talk.reset(ACK, 7),
        ));
    });
}
