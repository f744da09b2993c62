//! The tables of connections as people ask for them: by client, backend and age.

mod splice;

use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use gateway_common::abi::{
    CLOSED_BY_BACKEND, CLOSED_BY_CLIENT, FORWARD, Flow, FlowKey, RESET, TCP, TUNNEL,
};
use serde::{Serialize, Serializer};

pub use self::splice::Passed;
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
    pub backend: End,
    /// Id in the map of backends; 0 for others.
    pub backend_id: u32,
    pub service: u32,
}

/// Where a connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    At(SocketAddr),
    /// Of TLS passthrough: this node's own.
    Proxy,
    /// Of TLS passthrough: that is not known yet.
    None,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody has said anything on it yet; of UDP, one packet or unanswered ones.
    New,
    /// Of TLS passthrough: the client's hello is not complete.
    Hello,
    /// A backend was asked, and has not answered.
    Connecting,
    /// A backend gets the hello.
    Replaying,
    Open,
    /// One end has said that it sends no more.
    HalfClosed,
    Closed,
    Reset,
    /// Of TLS passthrough: no backend took it.
    Refused,
    /// Of TLS passthrough: its backend left, and it did not end in time.
    Drained,
}

/// The part that another node has in a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Far {
    /// None: packets come from the client, and the backend's replies pass this node.
    No,
    /// The backend there sees an address of this node.
    Snat,
    /// The backend's node gets packets as they are, at this address.
    Dsr(IpAddr),
    /// The client's packets come from there, for a backend on this node.
    FromGateway,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub connection: Connection,
    pub far: Far,
    pub state: State,
    /// Since the last packet, in seconds; up to a second too many.
    pub idle: u64,
    /// Of TLS passthrough; `None` for flows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Passed>,
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
    /// Of TLS passthrough, as [`Passed::name`].
    pub names: Vec<u64>,
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
            backend: End::At(SocketAddr::new(flow.address.into(), flow.port as u16)),
            backend_id: flow.backend,
            service: flow.service,
        };
        Some(Self {
            connection,
            far: Far::of(flow),
            state: State::of(flow),
            idle: since(flow.last_seen, clock).as_secs(),
            tls: None,
        })
    }
}

impl Far {
    fn of(flow: &Flow) -> Self {
        match flow.state & TUNNEL != 0 {
            _ if flow.is_far() => Self::Snat,
            _ if flow.is_dsr() => Self::Dsr(flow.peer.into()),
            true => Self::FromGateway,
            false => Self::No,
        }
    }
}

impl fmt::Display for Far {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.write_str("-"),
            Self::Snat => f.write_str("SNAT"),
            Self::Dsr(node) => write!(f, "DSR to {node}"),
            Self::FromGateway => f.write_str("DSR from another node"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::Proxy => f.write_str("proxy"),
            Self::None => f.write_str("-"),
        }
    }
}

/// As it is shown, or null.
impl Serialize for End {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_none(),
            end => serializer.collect_str(end),
        }
    }
}

impl State {
    /// A backend, or the proxy, has it or had it.
    pub const fn has_begun(self) -> bool {
        !matches!(self, Self::Hello | Self::Connecting | Self::Replaying)
    }

    fn of(flow: &Flow) -> Self {
        let unseen = match flow.is_dsr() {
            true => TUNNEL | CLOSED_BY_BACKEND,
            false => TUNNEL,
        };
        match flow.state & !unseen {
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
            Self::New | Self::Hello | Self::Connecting | Self::Replaying => None,
            Self::Open | Self::HalfClosed => None,
            Self::Closed => Some(Change::Closed),
            Self::Reset => Some(Change::Reset),
            Self::Refused => Some(Change::Refused),
            Self::Drained => Some(Change::Drained),
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Hello => "hello",
            Self::Connecting => "connecting",
            Self::Replaying => "replaying",
            Self::Open => "open",
            Self::HalfClosed => "half-closed",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Refused => "refused",
            Self::Drained => "drained",
        }
    }
}

impl Filter {
    pub fn takes(&self, row: &Row) -> bool {
        let c = &row.connection;
        let any = |list: &[IpAddr], ip: IpAddr| list.is_empty() || list.contains(&ip);
        let named = |tls: Passed| self.names.contains(&tls.name);
        let client = c.client.ip();
        (self.clients.is_empty() || self.clients.iter().any(|net| net.contains(client)))
            && any(&self.addresses, c.address.ip())
            && (self.ports.is_empty() || self.ports.contains(&c.address.port()))
            && self.protocol.is_none_or(|protocol| protocol == c.protocol)
            && self
                .backends
                .as_ref()
                .is_none_or(|list| list.iter().any(|to| to.is(c.backend)))
            && (self.names.is_empty() || row.tls.is_some_and(named))
    }
}

impl To {
    fn is(&self, backend: End) -> bool {
        let End::At(at) = backend else {
            return false;
        };
        self.ip == at.ip() && self.port.is_none_or(|port| port == at.port())
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
    /// No backend took it, so that it never opened.
    Refused,
    /// Its backend left, and it did not end in time.
    Drained,
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
        let is_new = then.is_none() && *now != State::Refused;
        if is_new || reopened {
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

/// Since a moment that entries have; none for one after the clock was read.
fn since(then: u32, clock: Clock) -> Duration {
    let jiffies = clock.now.wrapping_sub(then);
    if jiffies > u32::MAX / 2 {
        return Duration::ZERO;
    }
    Duration::from_secs(u64::from(jiffies / clock.hz.max(1)))
}

#[cfg(test)]
mod tests;
