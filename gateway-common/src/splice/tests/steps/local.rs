//! The node's own stack as a backend.

use super::*;
use crate::splice::state::LOCAL;

/// As far as the SYN for the node's stack, which is handed back.
fn ask(bench: &mut Bench, whole: &[u8]) -> Segment {
    bench.begin();
    let (outcome, asked) = bench.client(&bench.says(ACK | PSH, 0, whole));
    assert_eq!(outcome, Outcome::AskedProxy);
    asked.unwrap()
}

/// From the node's stack.
fn own(bench: &Bench, segment: Segment) -> Segment {
    Segment {
        source: bench.gateway,
        ..segment
    }
}

#[test]
fn the_listener_is_a_backend_at_the_address_that_the_client_knows() {
    for family in [4, 6] {
        let mut bench = Bench::new(family);
        let whole = hello(Some("local.example"), 300, 16_000);
        let asked = ask(&mut bench, &whole);
        let expected = Segment {
            sequence: CLIENT_ISN,
            window: u16::MAX,
            // No more than the listener promises.
            mss: Some(1400),
            scale: Some(8),
            sack: true,
            stamps: Some((CLIENT_STAMP + 10, 0)),
            ..Segment::new(bench.client, bench.gateway, SYN)
        };
        assert_eq!(asked, expected);
        let splice = bench.splice();
        assert_eq!((splice.service, splice.backend), (LOCAL, 0));
        assert_eq!(splice.name, bench.world.id("local.example"));
        let accepts = own(&bench, bench.accepts());
        let (outcome, piece) = bench.backend(&accepts);
        assert_eq!(
            (outcome, piece.unwrap().data),
            (Outcome::Replayed, whole.clone())
        );
        let bytes = u32::try_from(whole.len()).unwrap();
        // That it has a socket now changes nothing: there is an entry.
        let key = key_of(bench.client, bench.gateway);
        bench.world.local.insert(key);
        let reply = own(&bench, bench.replies(ACK, 0, bytes, b"data"));
        let (outcome, out) = bench.backend(&reply);
        assert_eq!(outcome, Outcome::ToClient);
        let out = out.unwrap();
        assert_eq!((out.source, out.destination), (bench.gateway, bench.client));
        assert_eq!(out.sequence, bench.cookie.wrapping_add(1));
        let mut says = bench.says(ACK, bytes, b"more");
        says.acknowledged = says.acknowledged.wrapping_add(4);
        let (outcome, out) = bench.client(&says);
        assert_eq!(outcome, Outcome::ToBackend);
        let out = out.unwrap();
        assert_eq!((out.source, out.destination), (bench.client, bench.gateway));
        assert_eq!(out.acknowledged, BACKEND_ISN.wrapping_add(5));
    }
}

/// There is no other one.
#[test]
fn a_node_that_refuses_or_is_silent_is_not_followed_by_another() {
    let whole = hello(Some("local.example"), 300, 16_000);
    let mut bench = Bench::new(4);
    ask(&mut bench, &whole);
    let refusal = Segment {
        acknowledged: CLIENT_ISN.wrapping_add(1),
        ..own(&bench, bench.replies(RST | ACK, 0, 0, &[]))
    };
    let (outcome, out) = bench.backend(&refusal);
    assert_eq!(
        (outcome, out.unwrap().destination),
        (Outcome::Failed, bench.client)
    );
    assert!(bench.world.splices.is_empty() && bench.world.ties.is_empty());
    let mut bench = Bench::new(4);
    ask(&mut bench, &whole);
    let again = bench.says(ACK, 0, &whole);
    for expected in [Outcome::AskedProxy, Outcome::AskedProxy, Outcome::Refused] {
        bench.world.now += 200;
        assert_eq!(bench.client(&again).0, expected);
    }
    assert!(bench.world.splices.is_empty() && bench.world.ties.is_empty());
}

/// Taken away while the hello was collected.
#[test]
fn a_listener_that_is_gone_is_no_backend() {
    let whole = hello(Some("local.example"), 300, 16_000);
    let mut bench = Bench::new(4);
    bench.begin();
    bench.client(&bench.says(ACK, 0, &whole[..100]));
    bench.world.gateway.set_port(444);
    let (outcome, _) = bench.client(&bench.says(ACK, 100, &whole[100..]));
    assert_eq!(outcome, Outcome::Refused);
    assert!(bench.world.splices.is_empty());
}

/// The node's stack has a connection, and there is an answer to its SYN, which is handed back.
fn had(family: u8) -> (Bench, Segment) {
    let mut bench = Bench::new(family);
    let syn = bench.syn();
    bench.open(&syn);
    let key = key_of(bench.client, bench.gateway);
    bench.world.local.insert(key);
    (bench, syn)
}

#[test]
fn what_the_node_has_by_itself_passes_untouched() {
    let (mut bench, syn) = had(6);
    // Also what would prove itself: an old copy, of part of a hello, of one for the node's stack, and of
    // one for nobody.
    let first = |data: &[u8]| bench.says(ACK, 0, data);
    let hellos = ["local.example", "nobody.example"].map(|name| hello(Some(name), 300, 16_000));
    let [local, nobody] = hellos.each_ref().map(|hello| first(hello));
    let others = [bench.says(ACK, 5, &[]), bench.says(RST, 0, &[])];
    for segment in [syn, first(&[22]), local, nobody].into_iter().chain(others) {
        assert_eq!(
            bench.client(&segment),
            (Outcome::Local, Some(segment.clone()))
        );
        assert!(bench.world.splices.is_empty() && bench.world.hellos.is_empty());
    }
    let reply = own(&bench, bench.replies(ACK, 0, 1, b"data"));
    assert_eq!(bench.backend(&reply), (Outcome::NotOurs, Some(reply)));
}

/// The node's stack has answered no SYN of it: what it has is an older connection of the same ends.
#[test]
fn a_hello_for_a_backend_gets_there_whatever_the_node_has() {
    let (mut bench, _) = had(4);
    let first = bench.says(ACK, 0, &hello(Some("a.example"), 300, 16_000));
    assert_eq!(bench.client(&first).0, Outcome::Asked);
}
