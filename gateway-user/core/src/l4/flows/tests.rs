//! The flow table as people ask for it.

use std::net::Ipv4Addr;

use gateway_common::abi::{ESTABLISHED, REVERSE};

use super::*;

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
    let connection = row(0, 0).connection;
    let all = Filter {
        clients: vec!["198.51.100.0/24".parse().expect("a range")],
        addresses: vec![[203, 0, 113, 1].into()],
        ports: vec![80, 443],
        protocol: Some(Transport::Tcp),
        backends: Some(vec![to(2, None), to(1, Some(8443))]),
    };
    assert!(Filter::default().takes(&connection) && all.takes(&connection));
    let others: [fn(&mut Filter); 6] = [
        |f| f.clients = vec!["198.51.101.0/24".parse().expect("a range")],
        |f| f.addresses = vec![[203, 0, 113, 2].into()],
        |f| f.ports = vec![80],
        |f| f.protocol = Some(Transport::Udp),
        |f| f.backends = Some(vec![to(2, None), to(1, Some(80))]),
        |f| f.backends = Some(Vec::new()),
    ];
    for change in others {
        let mut filter = all.clone();
        change(&mut filter);
        assert!(!filter.takes(&connection), "{filter:?}");
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
    ]);
    let after = seen(&[
        (1, State::HalfClosed),
        (2, State::Closed),
        (4, State::Closed),
        (6, State::Open),
        (7, State::Open),
        (8, State::Reset),
    ]);
    let expected = [
        (2, Change::Closed),
        (3, Change::Forgotten),
        (6, Change::Opened),
        (7, Change::Opened),
        (8, Change::Opened),
        (8, Change::Reset),
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
