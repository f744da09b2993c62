//! Flows against the clock, and from one direction to the other.

use core::net::Ipv4Addr;

use super::*;
use crate::abi::UDP;

const HZ: u32 = 250;

fn pair(protocol: u32) -> (FlowKey, Flow) {
    let key = FlowKey {
        source: Ipv4Addr::new(10, 0, 0, 1).into(),
        source_port: 40_000,
        destination: Ipv4Addr::new(203, 0, 113, 1).into(),
        destination_port: 80,
        protocol: protocol as u16,
        direction: FORWARD,
    };
    let flow = Flow {
        address: Ipv4Addr::new(10, 1, 0, 7).into(),
        port: 8080,
        last_seen: 1_000,
        ..Flow::default()
    };
    (key, flow)
}

#[test]
fn each_direction_names_the_other() {
    let (key, flow) = pair(TCP);
    let reverse = key.other(&flow);
    assert_eq!(reverse.source, flow.address);
    assert_eq!(reverse.source_port, 8080);
    assert_eq!(reverse.destination, key.source);
    assert_eq!(
        (reverse.destination_port, reverse.direction),
        (40_000, REVERSE)
    );
    let back = Flow {
        address: key.destination,
        port: 80,
        ..flow
    };
    assert_eq!(reverse.other(&back), key);
}

#[test]
fn tcp_lives_for_hours_and_ten_seconds_more_when_closing() {
    let (key, mut flow) = pair(TCP);
    let at = |seconds: u32| 1_000 + seconds * HZ;
    assert!(!expired(&key, &flow, at(TCP_OPENING), HZ));
    assert!(expired(&key, &flow, at(TCP_OPENING) + 1, HZ), "half open");
    flow.state = ESTABLISHED;
    assert!(!expired(&key, &flow, at(TCP_IDLE), HZ));
    assert!(expired(&key, &flow, at(TCP_IDLE) + 1, HZ));
    flow.state = CLOSED_BY_CLIENT | ESTABLISHED;
    assert!(
        !expired(&key, &flow, at(TCP_IDLE), HZ),
        "half closed is still open"
    );
    for closing in [CLOSED_BY_CLIENT | CLOSED_BY_BACKEND, RESET] {
        flow.state = closing | ESTABLISHED;
        assert!(!expired(&key, &flow, at(TCP_CLOSING), HZ));
        assert!(expired(&key, &flow, at(TCP_CLOSING) + 1, HZ));
    }
}

/// The backend's segments pass another node: it may go on for long.
#[test]
fn dsr_waits_longer_after_the_clients_end() {
    let (key, mut flow) = pair(TCP);
    flow.peer_port = 7;
    let at = |seconds: u32| 1_000 + seconds * HZ;
    let begun = TUNNEL | CLOSED_BY_BACKEND | ESTABLISHED;
    flow.state = begun;
    assert!(!flow.closing() && !forgettable(&key, &flow, at(TCP_IDLE), HZ));
    for end in [CLOSED_BY_CLIENT, RESET] {
        flow.state = begun | end;
        assert!(flow.closing());
        assert!(!forgettable(&key, &flow, at(TCP_CLOSING_UNSEEN), HZ));
        assert!(forgettable(&key, &flow, at(TCP_CLOSING_UNSEEN) + 1, HZ));
    }
}

#[test]
fn udp_lives_for_a_minute_across_the_wrap_of_the_clock() {
    let (key, mut flow) = pair(UDP);
    flow.last_seen = u32::MAX - 10;
    let now = flow.last_seen.wrapping_add(UDP_IDLE * HZ);
    assert!(!expired(&key, &flow, now, HZ));
    assert!(expired(&key, &flow, now.wrapping_add(1), HZ));
    assert!(!flow.stale(flow.last_seen.wrapping_add(HZ - 1), HZ));
    assert!(flow.stale(flow.last_seen.wrapping_add(HZ), HZ));
}
