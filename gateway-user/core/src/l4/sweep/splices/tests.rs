//! Connections of TLS passthrough, entry by entry.

use std::net::Ipv4Addr;

use gateway_common::{
    abi::{CLOSED_BY_BACKEND, CLOSED_BY_CLIENT},
    splice::state::{
        CLOSING_IDLE, COLLECT, COLLECT_TIME, CONNECT, CONNECT_IDLE, DRAINED, REFUSED, REPLAY,
        RESET_BY_CLIENT, SPLICED_IDLE,
    },
};

use super::*;
use crate::l4::trace::Clock;

const NOW: u32 = 1_000_000;
const HZ: u32 = 100;

/// Backend 7 serves, 8 leaves, 9 is gone, 10 had its time; no other is known.
fn sweep() -> Sweep {
    let standings = [
        (7, Standing::Serving),
        (8, Standing::Leaving),
        (9, Standing::Gone),
        (10, Standing::Over),
    ];
    let name = |id| Name::of_splice(&splice(SPLICED, id));
    Sweep {
        clock: Clock { now: NOW, hz: HZ },
        backends: standings.map(|(id, standing)| (name(id), standing)).into(),
        strangers: Standing::Gone,
    }
}

fn splice(phase: u32, backend: u32) -> Splice {
    Splice {
        backend_address: Ipv4Addr::new(10, 0, 0, 1).into(),
        backend_port: 443,
        service: 1,
        backend,
        phase,
        last_seen: NOW,
        ..Splice::default()
    }
}

const KEPT: Fate = Fate::Keep(Standing::Serving);

#[test]
fn each_phase_has_its_time() {
    let closing = CLOSED_BY_CLIENT | CLOSED_BY_BACKEND;
    for (phase, state, seconds) in [
        (COLLECT, 0, COLLECT_TIME),
        (CONNECT, 0, CONNECT_IDLE),
        (REPLAY, 0, CONNECT_IDLE),
        (SPLICED, 0, SPLICED_IDLE),
        (SPLICED, CLOSED_BY_CLIENT, SPLICED_IDLE),
        (SPLICED, closing, CLOSING_IDLE),
        (SPLICED, RESET_BY_CLIENT, CLOSING_IDLE),
        (REFUSED, 0, CLOSING_IDLE),
        (DRAINED, 0, SPLICED_IDLE),
        (DRAINED, RESET_BY_CLIENT, CLOSING_IDLE),
    ] {
        let seen = |ago: u32| Splice {
            state,
            last_seen: NOW.wrapping_sub(ago),
            ..splice(phase, 7)
        };
        let judge = |ago| sweep().judge_splice(&seen(ago));
        assert_eq!(judge(seconds * HZ), KEPT, "phase {phase}, state {state}");
        assert_eq!(judge(seconds * HZ + 1), Fate::Expired, "phase {phase}");
        // Touched since the sweep began.
        assert_eq!(judge(1_u32.wrapping_neg()), KEPT, "phase {phase}");
    }
}

#[test]
fn what_is_established_has_until_the_deadline_of_its_backend() {
    let judge = |splice| sweep().judge_splice(&splice);
    for (backend, fate) in [
        (7, KEPT),
        (8, Fate::Keep(Standing::Leaving)),
        (9, Fate::Keep(Standing::Gone)),
        (10, Fate::Drained),
        (11, Fate::Keep(Standing::Gone)),
    ] {
        assert_eq!(judge(splice(SPLICED, backend)), fate, "backend {backend}");
    }
    let over = Fate::Keep(Standing::Over);
    for phase in [COLLECT, CONNECT, REPLAY, REFUSED, DRAINED] {
        assert_eq!(judge(splice(phase, 10)), over, "phase {phase}");
    }
    let closing = Splice {
        state: RESET_BY_CLIENT,
        ..splice(SPLICED, 10)
    };
    assert_eq!(judge(closing), over);
    let other = Splice {
        backend_port: 444,
        ..splice(SPLICED, 10)
    };
    let gone = Fate::Keep(Standing::Gone);
    assert_eq!(judge(other), gone, "the id was another one's before");
    let local = Splice {
        service: LOCAL,
        ..splice(SPLICED, 10)
    };
    assert_eq!(judge(local), KEPT);
}

#[test]
fn a_half_open_one_has_as_long_as_its_cookie() {
    let since = |since| HalfOpen {
        since,
        ..HalfOpen::default()
    };
    let outdated = |ago: u32| sweep().is_outdated(&since(NOW.wrapping_sub(ago)));
    assert!(!outdated(COOKIE * HZ));
    assert!(outdated(COOKIE * HZ + 1));
    assert!(!outdated(1_u32.wrapping_neg()), "since the sweep began");
}

#[test]
fn a_hello_is_of_a_connection_that_is_not_established() {
    let has = [COLLECT, CONNECT, REPLAY, SPLICED, REFUSED, DRAINED]
        .map(|phase| has_hello(Some(&splice(phase, 7))));
    assert_eq!(has, [true, true, true, false, false, false]);
    assert!(!has_hello(None));
}

#[test]
fn only_what_two_looks_in_a_row_suspect_is_suspected_again() {
    let key = |source_port| FlowKey {
        source_port,
        ..FlowKey::default()
    };
    let mut suspects = Suspects::default();
    assert!(!suspects.again(key(1)) && !suspects.again(key(1)));
    suspects.turn();
    assert!(suspects.again(key(1)));
    assert!(!suspects.again(key(2)));
    suspects.turn();
    suspects.turn();
    assert!(!suspects.again(key(1)), "one look did not");
}

#[test]
fn each_connection_is_counted_in_its_state() {
    let mut gauges = SpliceGauges::default();
    for phase in [COLLECT, CONNECT, REPLAY, SPLICED, REFUSED, DRAINED] {
        gauges.add(&splice(phase, 7), Standing::Serving);
    }
    let half = Splice {
        state: CLOSED_BY_BACKEND,
        ..splice(SPLICED, 8)
    };
    gauges.add(&half, Standing::Leaving);
    let reset = Splice {
        state: RESET_BY_CLIENT,
        ..splice(SPLICED, 10)
    };
    gauges.add(&reset, Standing::Over);
    assert_eq!(
        gauges,
        SpliceGauges {
            hello: 1,
            connecting: 1,
            replaying: 1,
            open: 2,
            closing: 1,
            refused: 1,
            drained: 1,
            draining: 1,
            ..SpliceGauges::default()
        }
    );
}
