//! The flow table as people ask for it: connections by client, backend and age.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use gateway_common::abi::{
    CLOSED_BY_BACKEND, CLOSED_BY_CLIENT, FORWARD, Flow, FlowKey, RESET, TCP,
};
use serde::Serialize;

use super::trace::Clock;
use crate::plan::Transport;

/// A connection, or an exchange of datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    pub protocol: Transport,
    pub client: SocketAddr,
    /// Of the Gateway.
    pub address: SocketAddr,
    pub backend: SocketAddr,
    /// Id in the map of backends.
    pub backend_id: u32,
    pub service: u32,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody has said anything on it yet; of UDP, one packet or unanswered ones.
    New,
    Open,
    /// One end has said that it sends no more.
    HalfClosed,
    Closed,
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub connection: Connection,
    pub state: State,
    /// Since the last packet, in seconds; up to a second too many.
    pub idle: u64,
}

/// Which connections to show; empty: all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub clients: Vec<Network>,
    pub addresses: Vec<IpAddr>,
    pub ports: Vec<u16>,
    pub protocol: Option<Transport>,
    /// `None`: all. A list may be empty: a Service without an endpoint.
    pub backends: Option<Vec<To>>,
}

/// An endpoint, or all of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct To {
    pub ip: IpAddr,
    pub port: Option<u16>,
}

/// An address, or a range of them in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither an address nor a range as 10.0.0.0/8 or fd00::/8")]
pub struct BadNetwork;

impl Row {
    /// `None` for entries of the other direction: each connection has one of each.
    pub fn new(key: &FlowKey, flow: &Flow, clock: Clock) -> Option<Self> {
        if key.direction != FORWARD {
            return None;
        }
        let protocol = if u32::from(key.protocol) == TCP {
            Transport::Tcp
        } else {
            Transport::Udp
        };
        let connection = Connection {
            protocol,
            client: SocketAddr::new(key.source.into(), key.source_port),
            address: SocketAddr::new(key.destination.into(), key.destination_port),
            backend: SocketAddr::new(flow.address.into(), flow.port as u16),
            backend_id: flow.backend,
            service: flow.service,
        };
        Some(Self {
            connection,
            state: State::of(flow),
            idle: idle(flow, clock).as_secs(),
        })
    }
}

impl State {
    fn of(flow: &Flow) -> Self {
        match flow.state {
            state if state & RESET != 0 => Self::Reset,
            _ if flow.closing() => Self::Closed,
            state if state & (CLOSED_BY_CLIENT | CLOSED_BY_BACKEND) != 0 => Self::HalfClosed,
            _ if flow.is_established() => Self::Open,
            _ => Self::New,
        }
    }

    /// How the connection ended; `None` where it has not.
    fn end(self) -> Option<Change> {
        match self {
            Self::New | Self::Open | Self::HalfClosed => None,
            Self::Closed => Some(Change::Closed),
            Self::Reset => Some(Change::Reset),
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::HalfClosed => "half-closed",
            Self::Closed => "closed",
            Self::Reset => "reset",
        }
    }
}

impl Filter {
    pub fn takes(&self, c: &Connection) -> bool {
        let any = |list: &[IpAddr], ip: IpAddr| list.is_empty() || list.contains(&ip);
        let client = c.client.ip();
        (self.clients.is_empty() || self.clients.iter().any(|net| net.contains(client)))
            && any(&self.addresses, c.address.ip())
            && (self.ports.is_empty() || self.ports.contains(&c.address.port()))
            && self.protocol.is_none_or(|protocol| protocol == c.protocol)
            && self
                .backends
                .as_ref()
                .is_none_or(|list| list.iter().any(|to| to.is(c.backend)))
    }
}

impl To {
    fn is(&self, backend: SocketAddr) -> bool {
        self.ip == backend.ip() && self.port.is_none_or(|port| port == backend.port())
    }
}

impl Network {
    pub fn contains(&self, ip: IpAddr) -> bool {
        let bits = |ip: IpAddr| match ip {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
            IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        let ((ours, width), (theirs, other)) = (bits(self.address), bits(ip));
        let shift = width - u32::from(self.prefix);
        let same = |a: u128, b: u128| a.checked_shr(shift) == b.checked_shr(shift);
        width == other && same(ours, theirs)
    }
}

impl std::str::FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| BadNetwork)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| BadNetwork)?,
            None => width,
        };
        if prefix > width {
            return Err(BadNetwork);
        }
        Ok(Self { address, prefix })
    }
}

/// What became of a connection between two looks at the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    Opened,
    /// Both ends have said that they send no more.
    Closed,
    Reset,
    /// Without a close: idle beyond its time, or evicted from a full table.
    Forgotten,
}

/// The table as one look saw it.
pub type Seen = HashMap<Connection, State>;

/// What changed, in a stable order; a connection may open and end at once.
pub fn changes(before: &Seen, after: &Seen) -> Vec<(Connection, Change)> {
    let mut changes = Vec::new();
    for (connection, now) in after {
        let then = before.get(connection);
        let was_open = then.is_some_and(|state| state.end().is_none());
        let reopened = then.is_some() && !was_open && now.end().is_none();
        if then.is_none() || reopened {
            changes.push((*connection, Change::Opened));
        }
        if let Some(end) = now.end().filter(|_| then.is_none() || was_open) {
            changes.push((*connection, end));
        }
    }
    let gone = before.iter().filter(|(c, _)| !after.contains_key(*c));
    let unnoticed = gone.filter(|(_, state)| state.end().is_none());
    changes.extend(unnoticed.map(|(connection, _)| (*connection, Change::Forgotten)));
    changes.sort_unstable();
    changes
}

/// Since the last packet. A flow that was touched after the clock was read is not idle.
fn idle(flow: &Flow, clock: Clock) -> Duration {
    let jiffies = clock.now.wrapping_sub(flow.last_seen);
    if jiffies > u32::MAX / 2 {
        return Duration::ZERO;
    }
    Duration::from_secs(u64::from(jiffies / clock.hz.max(1)))
}

#[cfg(test)]
mod tests {
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
}
