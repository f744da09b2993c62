//! ICMP errors from either side.

use std::net::SocketAddr;

use super::*;
use crate::splice::tests::control::{Error, too_big};

impl Bench {
    /// An error that arrives; the frame that it becomes.
    fn error(&mut self, error: &Error, from_a_client: bool) -> (Outcome, Vec<u8>) {
        let frame = error.frame();
        let (outcome, out) = self.frame(&frame, from_a_client);
        if outcome.verdict() != Verdict::Drop {
            assert_eq!(out[..12], frame[..12]);
        }
        (outcome, out)
    }

    /// A connection, established, with a hello of so many bytes; whether the backend is far.
    fn connected(family: u8, far: bool) -> (Self, u32) {
        let mut bench = Self::new(family);
        if far {
            for endpoint in &mut bench.world.endpoints {
                endpoint.source = address(family, 2, 0).ip().into();
                endpoint.source_port = 50_001;
            }
            bench.seen = address(family, 2, 50_001);
        }
        let bytes = bench.establish();
        (bench, bytes)
    }
}

fn router(family: u8) -> SocketAddr {
    address(family, 77, 0)
}

#[test]
fn an_error_about_what_the_backend_said_goes_on_to_it_in_its_own_numbers() {
    for (family, far) in [(4, false), (4, true), (6, false), (6, true)] {
        let (mut bench, bytes) = Bench::connected(family, far);
        let reply = bench.replies(ACK, 700, bytes, b"data");
        let (outcome, told) = bench.backend(&reply);
        assert_eq!(outcome, Outcome::ToClient);
        let error = too_big(router(family), &told.unwrap(), 1300);
        assert_eq!(error.destination, bench.gateway.ip());
        let (outcome, out) = bench.error(&error, true);
        assert_eq!(outcome, Outcome::ErrorToBackend);
        assert_eq!(outcome.verdict(), Verdict::ToBackend);
        let expected = Error {
            // The node sends from its own address what it sends to other nodes.
            source: if far { bench.seen } else { router(family) }.ip(),
            destination: bench.backends[0].ip(),
            quoted: (bench.backends[0], bench.seen, reply.sequence),
            ..error
        };
        assert_eq!(Error::read(&out), expected);
    }
}

#[test]
fn an_error_about_what_the_client_said_comes_back_from_the_address_that_it_knows() {
    for (family, far) in [(4, false), (4, true), (6, false), (6, true)] {
        let (mut bench, bytes) = Bench::connected(family, far);
        let says = bench.says(ACK, bytes, b"data");
        let (outcome, asked) = bench.client(&says);
        assert_eq!(outcome, Outcome::ToBackend);
        let error = too_big(router(family), &asked.unwrap(), 1280);
        assert_eq!(error.destination, bench.seen.ip());
        let (outcome, out) = bench.error(&error, false);
        assert_eq!(outcome, Outcome::ErrorToClient);
        assert_eq!(outcome.verdict(), Verdict::ToClient);
        let expected = Error {
            source: bench.gateway.ip(),
            destination: bench.client.ip(),
            quoted: (bench.client, bench.gateway, says.sequence),
            ..error
        };
        assert_eq!(Error::read(&out), expected);
    }
}

/// Its own numbers are not those that the client knows, though the addresses are.
#[test]
fn an_error_for_the_proxy_of_the_node_quotes_its_own_number() {
    let mut bench = Bench::new(4);
    let whole = hello(Some("local.example"), 300, 16_000);
    bench.ask(&whole);
    let own = |segment| Segment {
        source: address(4, 1, 443),
        ..segment
    };
    bench.backend(&own(bench.accepts()));
    let bytes = u32::try_from(whole.len()).unwrap();
    let reply = own(bench.replies(ACK, 0, bytes, b"data"));
    let (outcome, told) = bench.backend(&reply);
    assert_eq!(outcome, Outcome::ToClient);
    let error = too_big(router(4), &told.unwrap(), 1300);
    let (outcome, out) = bench.error(&error, true);
    assert_eq!(outcome, Outcome::ErrorToBackend);
    let expected = Error {
        quoted: (bench.gateway, bench.client, reply.sequence),
        ..error
    };
    assert_eq!(Error::read(&out), expected);
}

/// Nothing but ports and number is certain, and other kinds of errors count as well.
#[test]
fn any_kind_of_error_goes_on() {
    for (family, kinds) in [
        (4, &[[3, 1], [3, 3], [11, 0], [12, 0]][..]),
        (6, &[[1, 0], [1, 4], [3, 0], [4, 1]]),
    ] {
        let (mut bench, bytes) = Bench::connected(family, false);
        let says = bench.says(ACK, bytes, b"data");
        let asked = bench.client(&says).1.unwrap();
        for kind in kinds {
            let error = Error {
                kind: *kind,
                rest: 0x0102_0304,
                ..too_big(router(family), &asked, 0)
            };
            let (outcome, out) = bench.error(&error, false);
            assert_eq!(outcome, Outcome::ErrorToClient, "{kind:?}");
            let out = Error::read(&out);
            assert_eq!((out.kind, out.rest), (error.kind, error.rest));
        }
        // No error: an echo whose data looks like a quote.
        let echo = Error {
            kind: [if family == 4 { 8 } else { 128 }, 0],
            ..too_big(router(family), &asked, 0)
        };
        let (outcome, out) = bench.error(&echo, false);
        assert_eq!(outcome, Outcome::NotOurs);
        assert_eq!(out, echo.frame());
    }
}

#[test]
fn errors_about_other_packets_are_left_alone() {
    let (mut bench, bytes) = Bench::connected(4, false);
    let says = bench.says(ACK, bytes, b"data");
    let asked = bench.client(&says).1.unwrap();
    let from_backend = too_big(router(4), &asked, 1280);
    let other = Segment {
        destination: address(4, 8, 8444),
        ..asked
    };
    let other = too_big(router(4), &other, 1280);
    // A client's that nobody knows; and the right one at the wrong side.
    for (error, from_a_client) in [(&other, false), (&other, true), (&from_backend, true)] {
        let (outcome, out) = bench.error(error, from_a_client);
        assert_eq!(outcome, Outcome::NotOurs);
        assert_eq!(out, error.frame());
    }
    // What the tie leads to is gone, or another connection.
    let key = key_of(bench.client, bench.gateway);
    let splice = bench.world.splices.get_mut(&key).unwrap();
    splice.backend_port += 1;
    assert_eq!(bench.error(&from_backend, false).0, Outcome::NotOurs);
    bench.world.splices.remove(&key);
    assert_eq!(bench.error(&from_backend, false).0, Outcome::NotOurs);
}

#[test]
fn before_the_ends_talk_with_each_other_errors_are_dropped() {
    let mut bench = Bench::new(4);
    let asked = bench.ask(&hello(Some("a.example"), 300, 16_000));
    // About the SYN-ACK that the client got from here.
    let told = Segment {
        sequence: bench.cookie,
        ..Segment::new(bench.gateway, bench.client, SYN | ACK)
    };
    let before = bench.splice();
    let unreachable = Error {
        kind: [3, 1],
        ..too_big(router(4), &asked, 0)
    };
    for (error, from_a_client) in [
        (too_big(router(4), &told, 600), true),
        (too_big(router(4), &asked, 600), false),
        (unreachable, false),
    ] {
        let (outcome, _) = bench.error(&error, from_a_client);
        assert_eq!(outcome, Outcome::EarlyError);
    }
    let (_, piece) = bench.backend(&bench.accepts());
    let told = Segment { flags: ACK, ..told };
    let (outcome, _) = bench.error(&too_big(router(4), &told, 600), true);
    assert_eq!(outcome, Outcome::EarlyError);
    let unreachable = Error {
        kind: [3, 1],
        ..too_big(router(4), &piece.unwrap(), 600)
    };
    assert_eq!(bench.error(&unreachable, false).0, Outcome::EarlyError);
    let now = bench.splice();
    assert_eq!((before.tries, before.attempt), (now.tries, now.attempt));
    assert_eq!(now.answer.mss, 1380);
}

#[test]
fn a_backend_that_spoke_before_it_has_the_hello_hears_of_errors() {
    let mut bench = Bench::new(4);
    bench.ask(&hello(Some("a.example"), 1900, 16_000));
    bench.backend(&bench.accepts());
    let reply = bench.replies(ACK, 0, 100, b"early");
    let (outcome, told) = bench.backend(&reply);
    assert_eq!(outcome, Outcome::ToClient);
    let error = too_big(router(4), &told.unwrap(), 1300);
    let (outcome, out) = bench.error(&error, true);
    assert_eq!(outcome, Outcome::ErrorToBackend);
    assert_eq!(Error::read(&out).quoted.2, reply.sequence);
}

/// The hello is cut into smaller pieces; the packet that tells of it becomes the first.
#[test]
fn a_narrow_way_to_the_backend_gets_smaller_pieces() {
    for (family, mtus) in [(4, [1340, 900]), (6, [1380, 1281])] {
        let headers = if family == 4 { 40 } else { 60 };
        let mut bench = Bench::new(family);
        let whole = hello(Some("a.example"), 1900, 16_000);
        bench.ask(&whole);
        let mut piece = bench.backend(&bench.accepts()).1.unwrap();
        assert_eq!(piece.data.len(), 1380 - 12);
        for mtu in mtus {
            let error = too_big(router(family), &piece, mtu);
            let (outcome, out) = bench.error(&error, false);
            assert_eq!(
                (outcome, outcome.verdict()),
                (Outcome::Replayed, Verdict::ToBackend)
            );
            let smaller = Segment::read(&out);
            let most = usize::try_from(mtu).unwrap() - headers - 12;
            assert_eq!(smaller.data, whole[..most]);
            assert_eq!(smaller.destination, bench.backends[0]);
            // Another of the same is no reason to send it again.
            let (outcome, _) = bench.error(&error, false);
            assert_eq!(outcome, Outcome::EarlyError);
            piece = smaller;
        }
    }
}

#[test]
fn a_way_is_never_believed_to_be_narrower_than_ways_are() {
    for (family, least) in [(4, 536), (6, 1220)] {
        for mtu in [0, 68, 500] {
            let mut bench = Bench::new(family);
            bench.ask(&hello(Some("a.example"), 1900, 16_000));
            let piece = bench.backend(&bench.accepts()).1.unwrap();
            let (outcome, out) = bench.error(&too_big(router(family), &piece, mtu), false);
            assert_eq!(outcome, Outcome::Replayed);
            assert_eq!(Segment::read(&out).data.len(), least - 12);
        }
    }
}

#[test]
fn an_error_that_quotes_what_was_never_sent_is_not_believed() {
    for family in [4, 6] {
        let mut bench = Bench::new(family);
        bench.ask(&hello(Some("a.example"), 1900, 16_000));
        let piece = bench.backend(&bench.accepts()).1.unwrap();
        let end = piece.end();
        for sequence in [CLIENT_ISN, end, end.wrapping_add(1 << 20)] {
            let forged = Segment {
                sequence,
                ..piece.clone()
            };
            let (outcome, _) = bench.error(&too_big(router(family), &forged, 1290), false);
            assert_eq!(outcome, Outcome::EarlyError);
        }
        // ICMPv6 has all 32 bits for the MTU.
        if family == 6 {
            let (outcome, _) = bench.error(&too_big(router(6), &piece, 0x1_0000 + 1290), false);
            assert_eq!(outcome, Outcome::EarlyError);
        }
        assert_eq!(bench.splice().answer.mss, 1380);
    }
}
