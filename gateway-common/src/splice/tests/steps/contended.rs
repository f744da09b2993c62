//! Two CPUs with packets of one connection: the other one asks the endpoint that is next.

use super::*;
use crate::splice::TRIES;

/// More than any packet here looks at the connection.
const LOOKS: u32 = 24;

/// Runs a packet with the other CPU in between at each look, and expects that nobody is told of a failure
/// and nothing is forgotten. `ready` is as far as that packet, which is the client's or a backend's;
/// `aside`: what else it is where it is as if lost.
fn never_fails(ready: impl Fn() -> (Bench, Segment, bool), aside: Outcome) {
    let mut stepped_aside = 0;
    for looks in 0..LOOKS {
        let (mut bench, segment, from_a_client) = ready();
        bench.world.contended = Some(looks);
        let (outcome, _) = bench.run(&segment, from_a_client);
        let expected = [Outcome::Asked, Outcome::Repeated, aside];
        assert!(expected.contains(&outcome), "{outcome:?} after {looks}");
        assert!(!bench.world.splices.is_empty(), "after {looks}");
        stepped_aside += u32::from(outcome != Outcome::Asked);
    }
    assert!((1..LOOKS).contains(&stepped_aside), "{stepped_aside}");
}

/// A copy of the segment that completes the hello, which came twice.
#[test]
fn the_only_endpoint_is_asked_by_one_of_them() {
    let ready = || {
        let mut bench = Bench::new(6);
        bench.world.endpoints.truncate(1);
        let whole = hello(Some("a.example"), 300, 16_000);
        bench.begin();
        bench.client(&bench.says(ACK, 0, &whole[..100]));
        let rest = bench.says(ACK | PSH, 100, &whole[100..]);
        (bench, rest, true)
    };
    never_fails(ready, Outcome::Repeated);
}

#[test]
fn the_last_endpoint_after_a_silent_one_too() {
    let ready = || {
        let mut bench = Bench::new(4);
        let whole = hello(Some("a.example"), 300, 16_000);
        bench.ask(&whole);
        let again = bench.says(ACK, 0, &whole);
        for _ in 1..TRIES {
            bench.world.now += 200;
            assert_eq!(bench.client(&again).0, Outcome::Asked);
        }
        bench.world.now += 200;
        (bench, again, true)
    };
    never_fails(ready, Outcome::Repeated);
}

#[test]
fn the_last_endpoint_after_one_that_refuses_too() {
    let ready = || {
        let mut bench = Bench::new(4);
        bench.ask(&hello(Some("a.example"), 300, 16_000));
        let refusal = Segment {
            acknowledged: CLIENT_ISN.wrapping_add(1),
            ..bench.replies(RST | ACK, 0, 0, &[])
        };
        (bench, refusal, false)
    };
    never_fails(ready, Outcome::Idle);
}
