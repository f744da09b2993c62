//! Backends without time stamps: what is learned of one, the next clients have the use of.

use gateway_common::{
    abi::{FrontendKey, NO_STAMPS},
    splice::Outcome::*,
};

use crate::{
    path::Hook::*,
    tls::{
        fixture::{TLS, frontend_key},
        judge::{Entry, Table},
        talk::*,
        world::{Row, becomes, in_all_worlds},
    },
};

/// The SYN of a client with all options, answered as that of another one.
fn answered_as(answered: Talk) -> Row {
    let syn = Talk::of(answered.way).syn();
    becomes("SYN", Ingress, syn, Accepted, answered.syn_ack())
}

#[test]
fn clients_are_not_promised_time_stamps_that_a_backend_has_not() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            for backend in [Offers::Scale, Offers::Plain] {
                // As far as it is learned: the client has time stamps, and the backend none.
                Talk::offering(way, Offers::Stamps, backend).established_in(world);
                let (key, back) = (world.key(), world.back_key(way.ends()[0], way.seen()));
                world.remove(Table::Splices, &key);
                world.remove(Table::Ties, &back);
                let talk = Talk::offering(way, Offers::Scale, backend);
                let (rows, _) = talk.establish();
                world.check(&answered_as(talk));
                assert_eq!(world.kept().half_open.len(), 1);
                world.run(&rows[1..]);
            }
        }
    });
}

#[test]
fn without_room_for_options_such_clients_are_promised_none() {
    in_all_worlds(|world| {
        let listener = frontend_key(world.family, TLS);
        world.put(&Entry::NoStamps(listener, 0));
        world.fill(Table::HalfOpen);
        world.check(&answered_as(Talk::offering(
            Way::Near,
            Offers::Plain,
            Offers::Plain,
        )));
    });
}

#[test]
fn that_a_backend_has_no_time_stamps_is_forgotten_after_a_while() {
    in_all_worlds(|world| {
        let listener = frontend_key(world.family, TLS);
        for (seconds, client) in [
            (NO_STAMPS - 1, Offers::Scale),
            (NO_STAMPS + 1, Offers::Stamps),
        ] {
            world.put(&Entry::NoStamps(listener, seconds));
            world.check(&answered_as(Talk::offering(Way::Near, client, client)));
        }
        // Another listener's backends.
        world.reset();
        let other = FrontendKey {
            port: 444,
            ..listener
        };
        world.put(&Entry::NoStamps(other, 0));
        world.check(&Talk::of(Way::Near).opens());
    });
}
