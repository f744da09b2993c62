//! Entries by entries, and how they are counted.

use gateway_common::abi::{ESTABLISHED, RESET, REVERSE, TCP, UDP};

use super::*;

const NOW: u32 = 1_000_000;

/// Backend 7 serves, 8 leaves, 9 is gone, 10 had its time.
fn sweep(strangers: Standing) -> Sweep {
    let standings = [
        (7, Standing::Serving),
        (8, Standing::Leaving),
        (9, Standing::Gone),
        (10, Standing::Over),
    ];
    let name = |id| Name::of(&key(TCP, FORWARD), &flow(id, 0));
    Sweep {
        clock: Clock { now: NOW, hz: 100 },
        backends: standings.map(|(id, standing)| (name(id), standing)).into(),
        strangers,
    }
}

fn judge(protocol: u32, flow: Flow) -> Fate {
    sweep(Standing::Gone).judge(&key(protocol, FORWARD), &flow)
}

fn key(protocol: u32, direction: u16) -> FlowKey {
    FlowKey {
        protocol: protocol as u16,
        direction,
        ..FlowKey::default()
    }
}

fn flow(backend: u32, last_seen: u32) -> Flow {
    Flow {
        backend,
        last_seen,
        state: ESTABLISHED,
        ..Flow::default()
    }
}

const KEPT: Fate = Fate::Keep(Standing::Serving);

#[test]
fn idle_flows_expire() {
    assert_eq!(judge(UDP, flow(7, NOW - 59 * 100)), KEPT);
    assert_eq!(judge(UDP, flow(7, NOW - 61 * 100)), Fate::Expired);
}

#[test]
fn a_flow_touched_after_the_sweep_began_is_kept() {
    assert_eq!(judge(UDP, flow(7, NOW + 1)), KEPT);
    assert_eq!(judge(TCP, flow(7, NOW)), KEPT);
}

#[test]
fn flows_of_a_backend_that_leaves_stay_until_its_deadline() {
    for protocol in [TCP, UDP] {
        let leaving = judge(protocol, flow(8, NOW - 1));
        assert_eq!(leaving, Fate::Keep(Standing::Leaving));
        assert_eq!(judge(protocol, flow(10, NOW - 1)), Fate::Drained);
        assert_eq!(judge(protocol, flow(10, NOW + 1)), Fate::Drained);
    }
    let closed = Flow {
        state: ESTABLISHED | RESET,
        ..flow(10, NOW - 1)
    };
    assert_eq!(judge(TCP, closed), Fate::Keep(Standing::Over), "it ends");
    assert_eq!(
        judge(
            TCP,
            Flow {
                last_seen: NOW - 1_001,
                ..closed
            }
        ),
        Fate::Expired
    );
}

#[test]
fn only_udp_leaves_a_backend_that_is_gone() {
    for id in [9, 11] {
        assert_eq!(judge(UDP, flow(id, NOW - 1)), Fate::Orphaned);
        assert_eq!(judge(UDP, flow(id, NOW + 1)), Fate::Orphaned);
        assert_eq!(judge(TCP, flow(id, NOW - 1)), Fate::Keep(Standing::Gone));
    }
    let later = sweep(Standing::Over).judge(&key(TCP, FORWARD), &flow(11, NOW));
    assert_eq!(later, Fate::Drained);
}

/// An id that was given to another backend does not keep the flows of the one that had it before.
#[test]
fn a_backend_is_its_id_with_its_address() {
    let other = Flow {
        port: 1,
        ..flow(7, NOW)
    };
    assert_eq!(judge(UDP, other), Fate::Orphaned);
    let mut reply = key(UDP, REVERSE);
    let gateway = Flow {
        port: 53,
        ..flow(7, NOW)
    };
    let sweep = sweep(Standing::Gone);
    assert_eq!(
        sweep.judge(&reply, &gateway),
        KEPT,
        "the gateway's port is 53"
    );
    reply.source_port = 1;
    assert_eq!(sweep.judge(&reply, &gateway), Fate::Orphaned);
}

#[test]
fn connections_are_counted_once() {
    let mut gauges = Gauges::default();
    let of = |state| Flow {
        state,
        ..Flow::default()
    };
    let serving = Standing::Serving;
    gauges.add(&key(TCP, FORWARD), &of(ESTABLISHED), serving);
    gauges.add(&key(TCP, REVERSE), &of(ESTABLISHED), serving);
    gauges.add(&key(TCP, FORWARD), &of(RESET), serving);
    gauges.add(&key(TCP, FORWARD), &of(0), serving);
    gauges.add(&key(TCP, FORWARD), &of(RESET), Standing::Over);
    gauges.add(&key(UDP, FORWARD), &of(ESTABLISHED), Standing::Leaving);
    gauges.add(&key(UDP, FORWARD), &of(0), Standing::Gone);
    assert_eq!(
        gauges,
        Gauges {
            tcp: 4,
            tcp_closing: 2,
            tcp_fresh: 1,
            udp: 2,
            udp_fresh: 1,
            draining: 2,
        }
    );
}
