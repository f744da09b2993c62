//! The flow table as people ask for it.

use std::net::Ipv4Addr;

use gateway_common::{
    abi::{ESTABLISHED, REVERSE},
    splice::{
        Splice,
        state::{
            COLLECT, CONNECT, DRAINED, LOCAL, REFUSED, REPLAY, RESET_BY_BACKEND, SPLICED, SPOKE,
        },
    },
};

use super::*;

/// Of the name that a connection was found by.
const NAME: u64 = 1 << 40;
const CLOCK: Clock = Clock { now: 50, hz: 100 };

fn row(state: u32, last_seen: u32) -> Row {
    let key = FlowKey {
        source: Ipv4Addr::new(198, 51, 100, 7).into(),
        destination: Ipv4Addr::new(203, 0, 113, 1).into(),
        source_port: 40_000,
        destination_port: 443,
        protocol: TCP as u16,
        direction: FORWARD,
    };
    let flow = Flow {
        address: Ipv4Addr::new(10, 0, 0, 1).into(),
        port: 8443,
        backend: 3,
        state,
        last_seen,
        ..Flow::default()
    };
    let other = FlowKey {
        direction: REVERSE,
        ..key
    };
    assert_eq!(Row::new(&other, &flow, CLOCK), None);
    Row::new(&key, &flow, CLOCK).expect("an entry of this direction")
}

#[test]
fn states_and_ages_read_as_people_say_them() {
    let states = [
        0,
        ESTABLISHED,
        ESTABLISHED | CLOSED_BY_CLIENT,
        CLOSED_BY_CLIENT | CLOSED_BY_BACKEND,
        RESET,
    ];
    let names = states.map(|state| row(state, 0).state.as_str());
    assert_eq!(names, ["new", "open", "half-closed", "closed", "reset"]);
    // 250 jiffies before 50, across the wrap.
    assert_eq!(row(0, 50_u32.wrapping_sub(250)).idle, 2);
    assert_eq!(row(0, 60).idle, 0, "touched since the clock was read");
}

fn to(host: u8, port: Option<u16>) -> To {
    let ip = [10, 0, 0, host].into();
    To { ip, port }
}

#[test]
fn every_part_of_a_filter_must_fit() {
    let flow = row(0, 0);
    let all = Filter {
        clients: vec!["198.51.100.0/24".parse().expect("a range")],
        addresses: vec![[203, 0, 113, 1].into()],
        ports: vec![80, 443],
        protocol: Some(Transport::Tcp),
        backends: Some(vec![to(2, None), to(1, Some(8443))]),
        names: Vec::new(),
    };
    assert!(Filter::default().takes(&flow) && all.takes(&flow));
    let others: [fn(&mut Filter); 7] = [
        |f| f.clients = vec!["198.51.101.0/24".parse().expect("a range")],
        |f| f.addresses = vec![[203, 0, 113, 2].into()],
        |f| f.ports = vec![80],
        |f| f.protocol = Some(Transport::Udp),
        |f| f.backends = Some(vec![to(2, None), to(1, Some(80))]),
        |f| f.backends = Some(Vec::new()),
        |f| f.names = vec![0],
    ];
    for change in others {
        let mut filter = all.clone();
        change(&mut filter);
        assert!(!filter.takes(&flow), "{filter:?}");
    }
}

#[test]
fn two_looks_tell_what_opened_and_how_it_ended() {
    let connection = |port| Connection {
        client: ([198, 51, 100, 7], port).into(),
        ..row(0, 0).connection
    };
    let seen = |list: &[(u16, State)]| -> Seen {
        let seen = list.iter().map(|(port, state)| (connection(*port), *state));
        seen.collect()
    };
    let before = seen(&[
        (1, State::Open),
        (2, State::Open),
        (3, State::HalfClosed),
        (4, State::Closed),
        (5, State::Closed),
        (6, State::Reset),
        (10, State::Open),
    ]);
    let after = seen(&[
        (1, State::HalfClosed),
        (2, State::Closed),
        (4, State::Closed),
        (6, State::Open),
        (7, State::Open),
        (8, State::Reset),
        (9, State::Refused),
        (10, State::Drained),
    ]);
    let expected = [
        (2, Change::Closed),
        (3, Change::Forgotten),
        (6, Change::Opened),
        (7, Change::Opened),
        (8, Change::Opened),
        (8, Change::Reset),
        (9, Change::Refused),
        (10, Change::Drained),
    ];
    let expected = expected.map(|(port, change)| (connection(port), change));
    assert_eq!(changes(&before, &after), expected);
    assert_eq!(changes(&after, &after), []);
}

#[test]
fn networks_are_addresses_or_ranges_of_one_family() {
    let net = |text: &str| text.parse::<Network>();
    let v4 = IpAddr::from([10, 1, 2, 3]);
    for (text, inside) in [
        ("10.1.2.3", true),
        ("10.1.2.4", false),
        ("10.0.0.0/8", true),
        ("0.0.0.0/0", true),
        ("::/0", false),
    ] {
        assert_eq!(net(text).map(|n| n.contains(v4)), Ok(inside), "{text}");
    }
    assert_eq!(
        net("::/0").map(|n| n.contains(IpAddr::from([0; 16]))),
        Ok(true)
    );
    for bad in ["10.0.0.0/33", "x", "10.0.0.0/", "/8", ""] {
        assert_eq!(net(bad), Err(BadNetwork), "{bad}");
    }
}

#[test]
fn each_part_of_another_node_is_told() {
    let node: IpAddr = [192, 0, 2, 9].into();
    let far = |peer_port, state| {
        let flow = Flow {
            peer: node.into(),
            peer_port,
            state,
            ..Flow::default()
        };
        (Far::of(&flow), State::of(&flow))
    };
    assert_eq!(far(0, 0), (Far::No, State::New));
    assert_eq!(far(61_000, 0), (Far::Snat, State::New));
    let begun = TUNNEL | CLOSED_BY_BACKEND;
    assert_eq!(far(7, begun), (Far::Dsr(node), State::New));
    assert_eq!(far(0, TUNNEL), (Far::FromGateway, State::New));
    // Of the backend's segments nothing is seen here.
    let closed = TUNNEL | CLOSED_BY_CLIENT;
    let ended = begun | CLOSED_BY_CLIENT;
    assert_eq!(far(7, ended), (Far::Dsr(node), State::Closed));
    assert_eq!(far(0, closed), (Far::FromGateway, State::HalfClosed));
    assert_eq!(Far::Dsr(node).to_string(), "DSR to 192.0.2.9");
}

/// Of a client whose address the backend sees, unless `source_port` is another one.
fn splice(phase: u32, state: u32, source_port: u32) -> Row {
    let client = Ipv4Addr::new(198, 51, 100, 7).into();
    let key = FlowKey {
        source: client,
        destination: Ipv4Addr::new(203, 0, 113, 1).into(),
        source_port: 40_000,
        destination_port: 443,
        protocol: TCP as u16,
        direction: FORWARD,
    };
    let splice = Splice {
        source: client,
        source_port,
        backend_address: Ipv4Addr::new(10, 0, 0, 1).into(),
        backend_port: 8443,
        backend: 3,
        service: 2,
        since: CLOCK.now.wrapping_sub(1_250),
        last_seen: CLOCK.now.wrapping_sub(350),
        sent: CLOCK.now.wrapping_sub(250),
        client_bytes: 517,
        backend_bytes: 4_000,
        name: NAME,
        phase,
        state,
        ..Splice::default()
    };
    Row::of_splice(&key, &splice, CLOCK)
}

#[test]
fn connections_of_tls_passthrough_are_rows_like_others() {
    let open = splice(SPLICED, SPOKE, 40_000);
    assert_eq!(
        serde_json::to_value(open).expect("JSON"),
        serde_json::json!({
            "protocol": "tcp", "client": "198.51.100.7:40000", "address": "203.0.113.1:443",
            "backend": "10.0.0.1:8443", "backendId": 3, "service": 2, "far": "no",
            "state": "open", "idle": 2,
            "tls": {"age": 12, "clientBytes": 517, "backendBytes": 4000},
        })
    );
    assert_eq!(splice(SPLICED, 0, 61_000).far, Far::Snat);
    let flow = serde_json::to_value(row(0, 0)).expect("JSON");
    assert_eq!(flow.get("tls"), None);

    let to_app = Filter {
        backends: Some(vec![to(1, None)]),
        ..Filter::default()
    };
    assert!(to_app.takes(&open));
    assert!(!to_app.takes(&splice(COLLECT, 0, 40_000)));
    let named = |names: &[u64]| Filter {
        names: names.to_vec(),
        ..Filter::default()
    };
    assert!(named(&[1, NAME]).takes(&open) && !named(&[1]).takes(&open));
}

#[test]
fn states_of_tls_passthrough_say_what_is_waited_for() {
    let closed = CLOSED_BY_CLIENT | CLOSED_BY_BACKEND;
    for (phase, state, said, has_begun) in [
        (COLLECT, 0, "hello", false),
        (CONNECT, 0, "connecting", false),
        (REPLAY, SPOKE, "replaying", false),
        (SPLICED, SPOKE, "open", true),
        (SPLICED, SPOKE | CLOSED_BY_BACKEND, "half-closed", true),
        (SPLICED, SPOKE | closed, "closed", true),
        (SPLICED, closed | RESET_BY_BACKEND, "reset", true),
        (REFUSED, 0, "refused", true),
        (DRAINED, SPOKE, "drained", true),
        (DRAINED, RESET_BY_BACKEND, "drained", true),
    ] {
        let of = splice(phase, state, 40_000).state;
        assert_eq!((of.as_str(), of.has_begun()), (said, has_begun));
    }
}

#[test]
fn the_proxy_is_an_end_and_so_is_nobody() {
    let at = End::At(([10, 0, 0, 1], 8443).into());
    for (end, shown, json) in [
        (at, "10.0.0.1:8443", serde_json::json!("10.0.0.1:8443")),
        (End::Proxy, "proxy", serde_json::json!("proxy")),
        (End::None, "-", serde_json::json!(null)),
    ] {
        assert_eq!(end.to_string(), shown);
        assert_eq!(serde_json::to_value(end).expect("JSON"), json);
    }
    let key = FlowKey::default();
    let end = |phase, service| {
        let splice = Splice {
            phase,
            service,
            ..Splice::default()
        };
        Row::of_splice(&key, &splice, CLOCK).connection.backend
    };
    assert_eq!(end(COLLECT, LOCAL), End::None, "its name is not known yet");
    assert_eq!(end(CONNECT, LOCAL), End::Proxy);
    assert_eq!(end(SPLICED, LOCAL), End::Proxy);
}
