//! What TLS passthrough makes of a packet: of a connection that is known, or by a server name.

use std::net::SocketAddr;

use gateway_common::{
    abi::{FORWARD, FlowKey, REVERSE, TLS_NOBODY},
    addr::Addr,
    splice::{
        Choice, Endpoint, Found, HelloKind, Splice, choose, endpoint,
        state::{DRAINED, LOCAL, REFUSED},
    },
};

use super::{Tuple, replay::Replay};
use crate::l4::names::NameKey;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Of this connection, by its client's key.
    Known(FlowKey, Splice),
    /// Nobody said which server name the client asks for.
    Unnamed,
    /// The node's own stack gets a SYN, with the client's address.
    Proxy,
    /// A backend of the service gets a SYN, as seen by it.
    Backend {
        service: u32,
        source: SocketAddr,
        backend: SocketAddr,
    },
    /// The service has no endpoint for it: the client is reset.
    Nobody { service: u32 },
    /// Nobody has the server name: the client is reset.
    Unmatched,
}

impl Tls {
    /// Source and destination on the far side of the gateway, where it is not the node's own.
    pub fn rewritten(&self, reply: bool) -> Option<(SocketAddr, SocketAddr)> {
        match *self {
            Self::Known(client, _) if reply => Some((
                at(client.destination, client.destination_port),
                at(client.source, client.source_port),
            )),
            Self::Known(_, splice) if splice.service != LOCAL && splice.backend_port != 0 => {
                Some((
                    at(splice.source, splice.source_port as u16),
                    at(splice.backend_address, splice.backend_port as u16),
                ))
            }
            Self::Backend {
                source, backend, ..
            } => Some((source, backend)),
            _ => None,
        }
    }
}

/// A first packet of a client that asks for `name`, with what its hello is; or one of a connection that
/// is known.
pub(super) fn client(
    replay: &Replay<'_>,
    tuple: &Tuple,
    name: Option<&str>,
) -> (Tls, Option<HelloKind>) {
    let key = tuple.key(FORWARD);
    let known = replay.splice(&key).copied();
    if let Some(splice) = known.filter(|s| !matches!(s.phase, REFUSED | DRAINED) && !s.closing()) {
        return (Tls::Known(key, splice), None);
    }
    let Some(name) = name else {
        return (Tls::Unnamed, None);
    };
    let Some(frontend) = replay.tls_frontend(&key) else {
        return (Tls::Proxy, None);
    };
    let asked = NameKey::asked(frontend.service as u16, name);
    let target = asked.and_then(|asked| replay.name(asked));
    let service = target.map_or(TLS_NOBODY, |target| target.service);
    let found = match name {
        "" => Found::NoName,
        _ => Found::Name,
    };
    let (kind, choice) = choose(found, service, frontend.resets != 0);
    let tls = match choice {
        Choice::Local => Tls::Proxy,
        Choice::Refuse => Tls::Unmatched,
        Choice::Service(service) => to_service(replay, tuple, service),
    };
    (tls, Some(kind))
}

fn to_service(replay: &Replay<'_>, tuple: &Tuple, service: u32) -> Tls {
    let mut found = Endpoint {
        address: Addr::default(),
        port: 0,
        backend: 0,
        mss: 0,
        source: Addr::default(),
        source_port: 0,
    };
    match endpoint(&tuple.key(FORWARD), service, 0, &mut found, replay) {
        None => Tls::Nobody { service },
        Some(()) => Tls::Backend {
            service,
            source: match found.source_port {
                0 => tuple.source,
                port => at(found.source, port),
            },
            backend: at(found.address, found.port),
        },
    }
}

/// A packet of a backend; `None`: of no connection.
pub(super) fn backend(replay: &Replay<'_>, tuple: &Tuple) -> Option<Tls> {
    let client = replay.tie(&tuple.key(REVERSE))?;
    let splice = replay.splice(client)?;
    Some(Tls::Known(*client, *splice))
}

fn at(address: Addr, port: u16) -> SocketAddr {
    SocketAddr::new(address.into(), port)
}
