//! Names of what the maps know by address: the contract of `/names`.

use std::net::{IpAddr, SocketAddr};

use gateway_common::abi::{FrontendKey, TCP};
use gateway_core::{
    endpoints::Endpoints,
    plan::{Frontend, FrontendId, Plan, Transport, WeightedBackend},
};
use serde::{Deserialize, Serialize};

use crate::admin;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    pub frontends: Vec<FrontendNames>,
}

/// Who is behind an address and port of a Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrontendNames {
    pub address: SocketAddr,
    pub protocol: Transport,
    /// Namespace and name.
    pub gateway: String,
    pub listeners: Vec<String>,
    /// Namespaces and names, each once.
    pub routes: Vec<String>,
    /// Of listeners that the kernel serves, by server name or all.
    pub backends: Vec<BackendNames>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendNames {
    pub address: SocketAddr,
    /// Service and port.
    pub service: String,
}

impl Names {
    pub fn new(plan: &Plan, endpoints: &Endpoints) -> Self {
        let frontends = plan.frontends.iter();
        Self {
            frontends: frontends.map(|(id, f)| names(id, f, endpoints)).collect(),
        }
    }

    /// Asks the daemon; says so where there is none.
    pub async fn ask(admin: SocketAddr) -> Self {
        match admin::fetch_names(admin).await {
            Ok(names) => names,
            Err(error) => {
                eprintln!("without names: {error:#}");
                Self::default()
            }
        }
    }

    pub fn frontend(&self, key: &FrontendKey) -> Option<&FrontendNames> {
        let address = SocketAddr::new(IpAddr::from(key.address), key.port as u16);
        let protocol = transport(key.protocol);
        let mut all = self.frontends.iter();
        all.find(|f| f.address == address && f.protocol == protocol)
    }
}

impl FrontendNames {
    /// Service and port that an endpoint belongs to.
    pub fn service(&self, endpoint: SocketAddr) -> Option<&str> {
        let found = self.backends.iter().find(|b| b.address == endpoint)?;
        Some(&found.service)
    }
}

/// Of a protocol number of the maps, which hold these two only.
pub(super) fn transport(protocol: u32) -> Transport {
    match protocol {
        TCP => Transport::Tcp,
        _ => Transport::Udp,
    }
}

fn names(id: &FrontendId, frontend: &Frontend, endpoints: &Endpoints) -> FrontendNames {
    let (gateway, listeners, routes, backends) = match frontend {
        Frontend::L4(service) => (
            &service.gateway,
            vec![service.listener.to_string()],
            service.route.iter().map(ToString::to_string).collect(),
            backends(&service.backends, endpoints),
        ),
        Frontend::Http(http) => {
            let plain = http.listeners.iter();
            let tls = http.tls.iter();
            let listeners = plain
                .clone()
                .map(|l| &l.name)
                .chain(tls.clone().map(|l| &l.name));
            let routes = plain
                .flat_map(|l| l.routes.iter().map(|r| &r.name))
                .chain(tls.flat_map(|l| l.routes.iter().map(|r| &r.name)));
            let mut routes: Vec<_> = routes.map(ToString::to_string).collect();
            routes.sort();
            routes.dedup();
            let listeners = listeners.map(ToString::to_string).collect();
            let passing = http.tls.iter().filter(|l| l.tls.is_none());
            let passed = passing.flat_map(|l| &l.routes);
            let backends = passed.flat_map(|route| backends(&route.backends, endpoints));
            (&http.gateway, listeners, routes, backends.collect())
        }
    };
    FrontendNames {
        address: id.address,
        protocol: id.transport,
        gateway: gateway.to_string(),
        listeners,
        routes,
        backends,
    }
}

/// Every endpoint, ready or not: a flow may still lead to one that leaves.
fn backends(weighted: &[WeightedBackend], endpoints: &Endpoints) -> Vec<BackendNames> {
    let ids = weighted.iter().filter_map(|b| b.target.id());
    let named = ids.flat_map(|id| {
        let all = endpoints.0.get(id).map(Vec::as_slice).unwrap_or_default();
        all.iter().map(move |endpoint| BackendNames {
            address: endpoint.address,
            service: id.to_string(),
        })
    });
    named.collect()
}
