//! What the kernel path leaves out in this version, for logs and status.

use std::{fmt, net::SocketAddr, sync::Arc};

use serde::Serialize;

use crate::{
    endpoints::Endpoints,
    name::ObjectName,
    plan::{BackendId, Frontend, FrontendId, L4Service, Plan, Target},
};

/// Something that a route asks for and the kernel path cannot do yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Unserved {
    /// An IPv6 listener of a TCPRoute or UDPRoute.
    Ipv6Listener {
        gateway: ObjectName,
        listener: Arc<str>,
        address: SocketAddr,
    },
    /// A backend whose ready endpoints are all IPv6: its share of connections is refused.
    Ipv6Backend {
        gateway: ObjectName,
        listener: Arc<str>,
        backend: BackendId,
    },
}

/// Everything that [`super::compile`] leaves out of the tables.
pub fn unserved(plan: &Plan, endpoints: &Endpoints) -> Vec<Unserved> {
    let of_frontend = |(id, frontend): (&FrontendId, &Frontend)| match frontend {
        Frontend::L4(service) if id.address.is_ipv6() => vec![listener(service, id.address)],
        Frontend::L4(service) => backends(service, endpoints),
        Frontend::Http(_) => Vec::new(),
    };
    plan.frontends.iter().flat_map(of_frontend).collect()
}

fn listener(service: &L4Service, address: SocketAddr) -> Unserved {
    Unserved::Ipv6Listener {
        gateway: service.gateway.clone(),
        listener: service.listener.clone(),
        address,
    }
}

fn backends(service: &L4Service, endpoints: &Endpoints) -> Vec<Unserved> {
    let only_ipv6 = |id: &BackendId| {
        let mut ready = endpoints.ready(id).peekable();
        ready.peek().is_some() && ready.all(|address| address.is_ipv6())
    };
    let weighted = service.backends.iter().filter(|b| b.weight > 0);
    weighted
        .filter_map(|b| match &b.target {
            Target::Backend(id) if only_ipv6(id) => Some(Unserved::Ipv6Backend {
                gateway: service.gateway.clone(),
                listener: service.listener.clone(),
                backend: id.clone(),
            }),
            Target::Backend(_) | Target::Invalid => None,
        })
        .collect()
}

impl fmt::Display for Unserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv6Listener {
                gateway,
                listener,
                address,
            } => write!(
                f,
                "Gateway {gateway}, listener {listener}: TCP and UDP routes are not served on IPv6 \
                 yet, {address} does nothing; give the Gateway an IPv4 address"
            ),
            Self::Ipv6Backend {
                gateway,
                listener,
                backend,
            } => write!(
                f,
                "Gateway {gateway}, listener {listener}: backend {backend} has only IPv6 endpoints, \
                 which TCP and UDP routes do not reach yet: its share of connections is refused; \
                 give the Service an IPv4 address family"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
