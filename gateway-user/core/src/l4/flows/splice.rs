//! Connections of TLS passthrough as people ask for them.

use std::net::SocketAddr;

use gateway_common::{
    abi::{CLOSED_BY_BACKEND, CLOSED_BY_CLIENT, FlowKey},
    splice::{
        Splice,
        state::{
            COLLECT, CONNECT, DRAINED, LOCAL, REFUSED, REPLAY, RESET_BY_BACKEND, RESET_BY_CLIENT,
        },
    },
};
use serde::Serialize;

use super::{Connection, End, Far, Row, State, since};
use crate::{l4::trace::Clock, plan::Transport};

/// What is known of such a connection only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Passed {
    /// Stands for the server name, or pattern, that it was found by: `NameKey::id`; 0: none.
    #[serde(skip)]
    pub name: u64,
    /// Since its first data, in seconds.
    pub age: u64,
    /// Payload that each end sent; at most a second late.
    pub client_bytes: u64,
    pub backend_bytes: u64,
}

impl Row {
    /// Of an entry of `splices`.
    pub fn of_splice(key: &FlowKey, splice: &Splice, clock: Clock) -> Self {
        let client = SocketAddr::new(key.source.into(), key.source_port);
        let seen_as = SocketAddr::new(splice.source.into(), splice.source_port as u16);
        let backend = match splice.phase {
            COLLECT => End::None,
            _ if splice.service == LOCAL => End::Proxy,
            _ => End::At(SocketAddr::new(
                splice.backend_address.into(),
                splice.backend_port as u16,
            )),
        };
        let connection = Connection {
            protocol: Transport::Tcp,
            client,
            address: SocketAddr::new(key.destination.into(), key.destination_port),
            backend,
            backend_id: splice.backend,
            service: splice.service,
        };
        Self {
            connection,
            far: match backend {
                End::At(_) if seen_as != client => Far::Snat,
                _ => Far::No,
            },
            state: State::of_splice(splice),
            idle: since(splice.seen(), clock).as_secs(),
            tls: Some(Passed {
                name: splice.name,
                age: since(splice.since, clock).as_secs(),
                client_bytes: splice.client_bytes,
                backend_bytes: splice.backend_bytes,
            }),
        }
    }
}

impl State {
    /// Of an entry of `splices`.
    pub const fn of_splice(splice: &Splice) -> Self {
        match (splice.phase, splice.state) {
            (COLLECT, _) => Self::Hello,
            (CONNECT, _) => Self::Connecting,
            (REPLAY, _) => Self::Replaying,
            (REFUSED, _) => Self::Refused,
            (DRAINED, _) => Self::Drained,
            (_, state) if state & (RESET_BY_CLIENT | RESET_BY_BACKEND) != 0 => Self::Reset,
            _ if splice.closing() => Self::Closed,
            (_, state) if state & (CLOSED_BY_CLIENT | CLOSED_BY_BACKEND) != 0 => Self::HalfClosed,
            _ => Self::Open,
        }
    }
}
