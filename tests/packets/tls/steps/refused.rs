//! Backends that refuse, are silent, or know nothing of a connection.

use gateway_common::{
    abi::{ESTABLISHED, FORWARD, Flow, RESET},
    splice::Outcome::*,
};

use crate::{
    fixture::CLIENT,
    frames::End,
    path::Hook::*,
    tls::{
        fixture::{NOBODY, TLS, frontend_key, key, listener},
        judge::Entry,
        segment::{ACK, PSH, RST, SYN, Segment},
        talk::*,
        world::{Row, becomes, in_all_worlds, stays},
    },
};

/// The same of another end.
fn of(segment: Segment, end: End) -> Segment {
    Segment {
        source: end,
        ..segment
    }
}

fn to(segment: Segment, end: End) -> Segment {
    Segment {
        destination: end,
        ..segment
    }
}

/// An end's RST for the SYN.
fn refusal(talk: Talk, end: End) -> Segment {
    Segment {
        sequence: 0.into(),
        options: Vec::new(),
        ..of(talk.replies(RST | ACK, 0, 0, &[]), end)
    }
}

#[test]
fn an_end_that_refuses_gives_way_to_the_next_until_all_have() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            world.reset();
            let (talk, hello) = (Talk::of(way), way.hello(500));
            let [first, second] = way.ends();
            world.run(&talk.ask(&hello));
            let mut other = refusal(talk, first);
            other.acknowledged = other.acknowledged.plus(1);
            world.check(&stays("not for this SYN", way.hook(), other, Idle));
            // The table has two ends, and eight are tried; there is one proxy.
            let tries = if way == Way::Proxy { 1 } else { 8 };
            for attempt in 1..tries {
                let [end, next] = match attempt % 2 {
                    1 => [first, second],
                    _ => [second, first],
                };
                world.check(&becomes(
                    "refused",
                    way.hook(),
                    refusal(talk, end),
                    Asked,
                    talk.asks(next),
                ));
            }
            let last = if tries == 8 { second } else { first };
            world.check(&becomes(
                "last refused",
                way.hook(),
                refusal(talk, last),
                Failed,
                talk.reset(ACK, 0),
            ));
            assert!(world.kept().is_empty());
        }
    });
}

/// One that takes some of the hello, and then no more.
#[test]
fn an_end_that_resets_before_it_speaks_gives_way() {
    in_all_worlds(|world| {
        for way in [Way::Near, Way::Far] {
            world.reset();
            let (talk, hello) = (Talk::of(way), way.hello(2000));
            let [_, second] = way.ends();
            let far_away = Segment {
                sequence: (BACKEND_FIRST + (1 << 20)).into(),
                ..talk.replies(RST, 0, 0, &[])
            };
            world.run(&talk.ask(&hello));
            world.run(&[
                talk.takes(talk.piece(ACK, 0, &hello[..1368])),
                stays("RST from nowhere", way.hook(), far_away, Idle),
                becomes(
                    "RST",
                    way.hook(),
                    talk.replies(RST, 0, 0, &[]),
                    Asked,
                    talk.asks(second),
                ),
                becomes(
                    "SYN-ACK of the second",
                    way.hook(),
                    of(talk.accepts(), second),
                    Replayed,
                    to(talk.piece(ACK, 0, &hello[..1368]), second),
                ),
            ]);
        }
    });
}

#[test]
fn a_silent_end_is_asked_again_then_the_next_one() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            world.reset();
            let (talk, hello) = (Talk::of(way), way.hello(500));
            let [first, second] = way.ends();
            let again = talk.says(ACK, 0, &hello);
            world.run(&talk.ask(&hello));
            world.check(&stays("at once", Ingress, &again, Repeated));
            let mut ends = vec![first; 2];
            if way != Way::Proxy {
                ends.extend([second; 3]);
            }
            for end in ends {
                world.wait(200);
                world.check(&becomes(
                    "again",
                    Ingress,
                    &again,
                    way.asked(),
                    talk.asks(end),
                ));
            }
            if way == Way::Proxy {
                world.wait(200);
                let reset = talk.reset(ACK, 500);
                world.check(&becomes("again", Ingress, &again, Refused, reset));
                assert!(world.kept().is_empty());
                continue;
            }
            // The first one is too late.
            world.check(&stays("late SYN-ACK", way.hook(), talk.accepts(), None));
        }
    });
}

#[test]
fn an_end_that_remembers_another_connection_is_made_to_forget() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            world.reset();
            let talk = Talk::of(way);
            let challenge = talk.replies(ACK, 999, 999, &[]);
            let reset = Segment {
                source: way.seen(),
                destination: way.ends()[0],
                sequence: FIRST.wrapping_add(999).into(),
                acknowledged: 0.into(),
                ..talk.reset(0, 0)
            };
            let mut other = talk.accepts();
            other.acknowledged = other.acknowledged.plus(1);
            let reset_of_other = Segment {
                sequence: other.acknowledged,
                ..reset.clone()
            };
            world.run(&talk.ask(&way.hello(500)));
            world.run(&[
                becomes("challenge", way.hook(), challenge, Orphan, reset),
                becomes("another SYN-ACK", way.hook(), other, Orphan, reset_of_other),
            ]);
        }
    });
}

/// Packets of a flow of layer 4, or of another listener's client, would look alike.
#[test]
fn an_end_that_the_client_talks_to_already_is_passed_over() {
    in_all_worlds(|world| {
        let way = Way::Near;
        let (talk, hello) = (Talk::of(way), way.hello(500));
        let [first, second] = way.ends();
        let back = world.back_key(first, CLIENT);
        let other = key(world.family, CLIENT, NOBODY, FORWARD);
        let flow = Flow {
            state: ESTABLISHED,
            ..Flow::default()
        };
        for entry in [Entry::Tie(back, other), Entry::Flow(back, flow)] {
            world.reset();
            world.put(&entry);
            world.run(&[
                talk.opens(),
                becomes(
                    "hello",
                    Ingress,
                    talk.says(ACK, 0, &hello),
                    Asked,
                    talk.asks(second),
                ),
            ]);
            let own = (world.back_key(second, CLIENT), world.key());
            assert!(world.kept().ties.contains(&own));
        }
    });
}

/// What an ended flow of layer 4 has left is in nobody's way.
#[test]
fn an_end_that_the_client_has_talked_to_is_asked() {
    in_all_worlds(|world| {
        let way = Way::Near;
        let back = world.back_key(way.ends()[0], CLIENT);
        let flow = Flow {
            state: ESTABLISHED | RESET,
            ..Flow::default()
        };
        world.put(&Entry::Flow(back, flow));
        let (rows, _) = Talk::of(way).establish();
        world.run(&rows);
    });
}

/// What a backend says whose connection is gone.
fn orphans(talk: Talk) -> Vec<Row> {
    let way = talk.way;
    let reset = Segment {
        source: way.seen(),
        destination: way.ends()[0],
        sequence: FIRST.wrapping_add(77).into(),
        acknowledged: 0.into(),
        ..talk.reset(0, 0)
    };
    vec![
        becomes(
            "data",
            way.hook(),
            talk.replies(ACK | PSH, 0, 77, b"data"),
            Orphan,
            reset,
        ),
        // Its tie is gone as well now.
        stays("again", way.hook(), talk.replies(ACK, 0, 77, &[]), None),
    ]
}

#[test]
fn an_end_whose_client_is_unknown_is_reset() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            world.reset();
            let talk = Talk::of(way);
            let tie = Entry::Tie(world.back_key(way.ends()[0], way.seen()), world.key());
            world.put(&tie);
            world.run(&orphans(talk));
            world.put(&tie);
            let reset = talk.replies(RST, 0, 77, &[]);
            world.check(&stays("RST", way.hook(), reset, OrphanReset));
            // A connection with another end by now, a listener.
            let bytes = talk.established_in(world);
            let listener_9 = frontend_key(world.family, (TLS.0, 9));
            world.put(&Entry::Listener(listener_9, Some(listener(world.family))));
            let other = world.back_key((TLS.0, 9), way.seen());
            world.put(&Entry::Tie(other, world.key()));
            let from_other = of(talk.replies(SYN | ACK, 0, bytes, &[]), (TLS.0, 9));
            let reset = Segment {
                source: way.seen(),
                destination: (TLS.0, 9),
                sequence: FIRST.wrapping_add(bytes).into(),
                acknowledged: 0.into(),
                ..talk.reset(0, 0)
            };
            world.check(&becomes(
                "another end",
                way.hook(),
                from_other,
                Orphan,
                reset,
            ));
            world.put(&Entry::Listener(listener_9, None));
        }
    });
}
