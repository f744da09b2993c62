//! TLSRoutes of mode Passthrough that the kernel has no room for.

use std::{collections::BTreeSet, fmt, net::SocketAddr};

use serde::Serialize;

use super::{
    compile::{frontend_key, names::flatten},
    tables::Tables,
};
use crate::{
    name::ObjectName,
    plan::{Frontend, FrontendId, HttpFrontend, Plan},
};

/// A route whose connections the proxy passes through, though the kernel was to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Proxied {
    pub gateway: ObjectName,
    pub address: SocketAddr,
    pub route: ObjectName,
}

/// What [`super::compile`] left to the proxy, with its `tables` in force.
pub fn proxied(plan: &Plan, tables: &Tables) -> Vec<Proxied> {
    let served: BTreeSet<_> = tables
        .routes
        .values()
        .map(|at| (at.frontend, &at.route))
        .collect();
    let of_frontend = |(id, frontend)| match frontend {
        &Frontend::Http(ref http) if plan.passes_tls_in_kernel(&http.gateway) => {
            let key = frontend_key(id);
            let mut routes = routes(http);
            routes.retain(|route| !served.contains(&(key, *route)));
            routes
                .into_iter()
                .map(|route| left(id, http, route))
                .collect()
        }
        _ => Vec::new(),
    };
    plan.frontends.iter().flat_map(of_frontend).collect()
}

fn routes(http: &HttpFrontend) -> BTreeSet<&ObjectName> {
    let names = flatten(http).into_values().flatten();
    names.map(|(_, route)| &route.name).collect()
}

fn left(id: &FrontendId, http: &HttpFrontend, route: &ObjectName) -> Proxied {
    Proxied {
        gateway: http.gateway.clone(),
        address: id.address,
        route: route.clone(),
    }
}

impl fmt::Display for Proxied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            gateway,
            address,
            route,
        } = self;
        write!(
            f,
            "Gateway {gateway}, {address}: the proxy passes the connections of TLSRoute {route} \
             through, for the kernel's maps have no room for more services, server names, endpoints \
             or lookup tables: use fewer, or weights that are closer to each other"
        )
    }
}
