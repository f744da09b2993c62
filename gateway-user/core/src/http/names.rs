//! Connections by server name: what becomes of one after its ClientHello.

use std::{net::SocketAddr, sync::Arc};

use rustls::ServerConfig;

use super::{hosts::Hosts, table::ListenerId, tls};
use crate::{
    balance::Weighted,
    endpoints::Endpoints,
    name::ObjectName,
    plan::{BackendId, BackendTls, HttpFrontend, Target, TlsListener, TlsRoute, TlsUnmatched},
};

/// The HTTPS and TLS listeners of one address and port.
#[derive(Debug)]
pub struct Names {
    takers: Hosts<Taker>,
    /// What nobody takes is reset.
    pub resets_unmatched: bool,
}

/// Who takes a connection.
#[derive(Clone, Copy, Debug)]
pub enum Taken<'t> {
    /// An HTTPS listener: its requests are routed after the handshake.
    Https(&'t Arc<ServerConfig>),
    /// A TLSRoute.
    Forward {
        listener: &'t Arc<ListenerId>,
        route: &'t Arc<Forward>,
        /// `Some` for mode Terminate: backends get what is inside.
        terminate: Option<&'t Arc<ServerConfig>>,
    },
    /// The listener for this name has no route for it.
    NoRoute(&'t Arc<ListenerId>),
    NoListener,
}

/// Where the connections of a TLSRoute go.
#[derive(Debug)]
pub struct Forward {
    pub route: ObjectName,
    backends: Weighted<Share>,
}

/// A backendRef; `None` where the reference is invalid.
type Share = Option<(BackendId, Reached)>;

/// How connections reach a backend.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// Those that are ready.
    pub endpoints: Arc<[SocketAddr]>,
    /// `None`: it gets what comes as it is.
    pub tls: Option<Arc<BackendTls>>,
}

/// Where one connection goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Destination<'r> {
    /// To one of the endpoints, of which there is at least one.
    Backend(&'r Reached),
    /// No backendRef, all weights zero, or an invalid reference.
    Invalid,
    /// The chosen backend has no ready endpoint.
    NoEndpoint(&'r BackendId),
}

#[derive(Debug)]
enum Taker {
    Https(Arc<ServerConfig>),
    Tls(Listener),
}

#[derive(Debug)]
struct Listener {
    id: Arc<ListenerId>,
    terminate: Option<Arc<ServerConfig>>,
    routes: Hosts<Arc<Forward>>,
}

impl Names {
    /// `https` is the configuration of the frontend's HTTPS listeners, if there are any.
    pub(super) fn new(
        frontend: &HttpFrontend,
        https: Option<&Arc<ServerConfig>>,
        endpoints: &Endpoints,
        unmatched: TlsUnmatched,
    ) -> Self {
        let mut takers = Hosts::default();
        for listener in &frontend.tls {
            takers.entry(&listener.hostname, || {
                Taker::Tls(Listener::new(&frontend.gateway, listener, endpoints))
            });
        }
        if let Some(https) = https {
            for listener in &frontend.listeners {
                takers.entry(&listener.hostname, || Taker::Https(https.clone()));
            }
        }
        Self {
            takers,
            resets_unmatched: unmatched == TlsUnmatched::Reset,
        }
    }

    /// Who takes a connection for `name`, which is lower-case, and empty if the client gave none.
    /// The most specific listener does, even if another one had a route; of its routes, the one
    /// with the most specific host name.
    pub fn take(&self, name: &str) -> Taken<'_> {
        match self.takers.matching(name).next() {
            None => Taken::NoListener,
            Some(Taker::Https(config)) => Taken::Https(config),
            Some(Taker::Tls(listener)) => match listener.routes.matching(name).next() {
                None => Taken::NoRoute(&listener.id),
                Some(route) => Taken::Forward {
                    listener: &listener.id,
                    route,
                    terminate: listener.terminate.as_ref(),
                },
            },
        }
    }

    /// Whether a listener of protocol TLS takes this name.
    pub(super) fn is_forwarded(&self, name: &str) -> bool {
        matches!(self.takers.matching(name).next(), Some(Taker::Tls(_)))
    }
}

impl Listener {
    fn new(gateway: &ObjectName, listener: &TlsListener, endpoints: &Endpoints) -> Self {
        let mut routes = Hosts::default();
        for route in &listener.routes {
            let forward = Arc::new(Forward::new(route, endpoints));
            for hostname in &route.hostnames {
                // The first one, of the oldest route, counts; translation reports the others.
                routes.entry(hostname, || forward.clone());
            }
        }
        let tls = listener.tls.clone();
        let tls = tls.map(|tls| (listener.hostname.clone(), tls));
        Self {
            id: Arc::new(ListenerId {
                gateway: gateway.clone(),
                listener: listener.name.clone(),
            }),
            // What is inside is not known here, so no protocol is negotiated for it (ALPN).
            terminate: tls::server_config(tls.into_iter(), &[]),
            routes,
        }
    }
}

impl Forward {
    fn new(route: &TlsRoute, endpoints: &Endpoints) -> Self {
        let backends = route.backends.iter().map(|backend| {
            let share = match &backend.target {
                Target::Invalid => None,
                Target::Backend(id) => {
                    let reached = Reached {
                        endpoints: endpoints.ready(id).collect(),
                        tls: backend.tls.clone(),
                    };
                    Some((id.clone(), reached))
                }
            };
            (backend.weight, share)
        });
        Self {
            route: route.name.clone(),
            backends: Weighted::new(backends),
        }
    }

    /// Chooses a backendRef in proportion to the weights; `random` is uniform over all of u64.
    pub fn choose(&self, random: u64) -> Destination<'_> {
        match self.backends.pick(random) {
            None | Some(None) => Destination::Invalid,
            Some(Some((id, to))) if to.endpoints.is_empty() => Destination::NoEndpoint(id),
            Some(Some((_, to))) => Destination::Backend(to),
        }
    }
}

#[cfg(test)]
mod tests;
