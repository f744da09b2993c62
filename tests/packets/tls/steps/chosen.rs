//! Where the first bytes of a connection lead, and where they lead nowhere.

use gateway_common::{abi::Frontend, splice::Outcome::*};
use gateway_tests::peer::hello::Opening;

use super::hellos::{collects, part};
use crate::{
    path::Hook::*,
    tls::{
        fixture::{TLS, frontend_key, listener},
        judge::{Entry, Table},
        segment::{ACK, PSH},
        talk::*,
        world::{becomes, in_all_worlds, stays},
    },
};

fn nobodys() -> [(&'static str, Vec<u8>); 10] {
    [
        ("not TLS", b"GET / HTTP/1.1".to_vec()),
        ("an alert", b"\x15\x03\x01\x00\x02\x01\x00".to_vec()),
        ("without a name", hello("", 500)),
        ("nobody's name", hello("nobody.example", 500)),
        ("a name without a route", hello("bare.example", 500)),
        ("below a name", hello("a.near.example", 500)),
        ("above a wildcard", hello("wild.example", 500)),
        ("narrower than one", hello("bare.wild.example", 500)),
        ("not a name", hello("near..example", 500)),
        ("a final dot (RFC 6066, 3)", hello("near.example.", 500)),
    ]
}

#[test]
fn what_nobody_takes_goes_to_the_proxy() {
    let talk = Talk::of(Way::Proxy);
    let cases = nobodys();
    in_all_worlds(|world| {
        for (name, data) in &cases {
            world.reset();
            world.run(&[
                talk.opens(),
                becomes(
                    name,
                    Ingress,
                    talk.says(ACK | PSH, 0, data),
                    AskedProxy,
                    talk.asks(TLS),
                ),
            ]);
        }
    });
}

#[test]
fn what_nobody_takes_is_reset_where_its_listener_says_so() {
    let cases = nobodys();
    in_all_worlds(|world| {
        let resets = Frontend {
            resets: 1,
            ..listener(world.family)
        };
        let key = frontend_key(world.family, TLS);
        for (name, data) in &cases {
            world.reset();
            world.put(&Entry::Listener(key, Some(resets)));
            let talk = Talk::of(Way::Proxy);
            let reset = talk.reset(ACK, data.len() as u32);
            let said = talk.says(ACK, 0, data);
            world.run(&[talk.opens(), becomes(name, Ingress, said, Unmatched, reset)]);
            assert!(world.kept().is_empty(), "{name}");
        }
        for way in Way::ALL {
            world.reset();
            world.put(&Entry::Listener(key, Some(resets)));
            world.run(&Talk::of(way).ask(&way.hello(500)));
        }
    });
}

/// 30 KB of records that have three bytes each.
#[test]
fn what_is_too_long_goes_to_the_proxy() {
    let talk = Talk::of(Way::Proxy);
    let opening = Opening {
        hello_bytes: 12_000,
        record_bytes: 3,
        ..Opening::of("near.example")
    };
    let long = opening.wire(1).expect("lengths that fit");
    assert!(long.len() > 18_000);
    let piece = |at: usize| talk.says(ACK, at as u32, &long[at..at + 1000]);
    in_all_worlds(|world| {
        world.check(&talk.opens());
        for number in 0..17 {
            world.check(&collects("long", piece(number * 1000)));
        }
        let last = piece(17_000);
        world.check(&becomes(
            "longer",
            Ingress,
            last,
            AskedProxy,
            talk.asks(TLS),
        ));
    });
}

#[test]
fn names_are_compared_without_case() {
    let talk = Talk::of(Way::Near);
    in_all_worlds(|world| world.run(&talk.ask(&hello("NEAR.Example", 500))));
}

#[test]
fn a_wildcard_stands_for_all_names_below() {
    let talk = Talk::of(Way::Near);
    in_all_worlds(|world| {
        for name in ["a.wild.example", "a.b.wild.example", "a.BARE.wild.example"] {
            world.reset();
            world.run(&talk.ask(&hello(name, 500)));
        }
    });
}

/// Taken away while the hello was collected.
#[test]
fn a_listener_that_is_gone_is_no_backend() {
    let way = Way::Near;
    let (talk, hello) = (Talk::of(way), way.hello(500));
    in_all_worlds(|world| {
        let key = frontend_key(world.family, TLS);
        world.run(&[talk.opens(), collects("half", part(talk, &hello, 0, 200))]);
        world.put(&Entry::Listener(key, None));
        let rest = part(talk, &hello, 200, 500);
        let reset = talk.reset(ACK, 500);
        world.check(&becomes("rest", Ingress, rest, Refused, reset));
        assert!(world.kept().is_empty());
        world.check(&stays("SYN", Ingress, talk.syn(), None));
    });
}

#[test]
fn where_no_tie_can_be_made_there_is_no_backend() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            world.reset();
            world.fill(Table::Ties);
            let (talk, hello) = (Talk::of(way), way.hello(500));
            world.run(&[
                talk.opens(),
                becomes(
                    "hello",
                    Ingress,
                    talk.says(ACK, 0, &hello),
                    Refused,
                    talk.reset(ACK, 500),
                ),
                stays("SYN", Ingress, talk.syn(), NoCookie),
            ]);
        }
    });
}
