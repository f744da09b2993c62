//! A connection whose backend left, and that had its time: each end is told with its next packet.

use gateway_common::splice::{Outcome::*, state::DRAINED};

use crate::{
    path::Hook::*,
    tls::{
        segment::{ACK, PSH, RST, Segment},
        talk::*,
        world::{becomes, in_all_worlds, stays},
    },
};

#[test]
fn both_ends_get_a_reset_that_they_believe() {
    in_all_worlds(|world| {
        for way in Way::ALL {
            let talk = Talk::of(way);
            let bytes = talk.established_in(world);
            world.drain();
            let to_client = talk.reset(ACK, bytes + 4);
            let to_backend = Segment {
                source: way.seen(),
                destination: way.ends()[0],
                sequence: FIRST.wrapping_add(bytes).into(),
                acknowledged: 0.into(),
                ..talk.reset(0, 0)
            };
            let says = talk.says(ACK | PSH, bytes, b"more");
            let replies = talk.replies(ACK, 0, bytes, b"data");
            // A reset may be lost.
            for _ in 0..2 {
                world.run(&[
                    becomes("client", Ingress, &says, Drained, &to_client),
                    becomes("backend", way.hook(), &replies, Orphan, &to_backend),
                ]);
            }
            world.run(&[
                stays(
                    "client's RST",
                    Ingress,
                    talk.says(RST, bytes, &[]),
                    Repeated,
                ),
                stays(
                    "backend's RST",
                    way.hook(),
                    talk.replies(RST, 0, bytes, &[]),
                    OrphanReset,
                ),
            ]);
            assert_eq!(world.splice().phase, DRAINED);
        }
    });
}

#[test]
fn another_connection_takes_its_place() {
    in_all_worlds(|world| {
        let talk = Talk::of(Way::Near);
        talk.established_in(world);
        world.drain();
        world.run(&[
            stays("an old copy", Ingress, talk.syn(), Repeated),
            talk.opens_another(),
        ]);
        assert!(world.kept().is_empty());
    });
}
