//! Names of what the maps know by address: the contract of `/names`.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use gateway_common::abi::{FrontendKey, TCP};
use gateway_core::{
    endpoints::Endpoints,
    l4::{Tables, compile::frontend_key},
    name::ObjectName,
    plan::{Frontend, FrontendId, Plan, Transport, WeightedBackend},
};
use serde::{Deserialize, Serialize};

use crate::admin;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    pub frontends: Vec<FrontendNames>,
    /// Services of TLS passthrough, by id: by the address alone it is not known whose they are.
    #[serde(default)]
    pub services: Vec<ServiceNames>,
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

/// A route at one address and port of a Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceNames {
    pub id: u32,
    /// Namespace and name.
    pub route: String,
    /// Those of the address and port that the route is attached to; none when it was removed.
    pub listeners: Vec<String>,
}

impl Names {
    pub fn new(plan: &Plan, endpoints: &Endpoints, tables: &Tables) -> Self {
        let frontends = plan.frontends.iter();
        let listeners = passing_listeners(plan);
        let services = tables.routes.iter().map(|(id, at)| ServiceNames {
            id: *id,
            route: at.route.to_string(),
            listeners: listeners
                .get(&(at.frontend, &at.route))
                .cloned()
                .unwrap_or_default(),
        });
        Self {
            frontends: frontends.map(|(id, f)| names(id, f, endpoints)).collect(),
            services: services.collect(),
        }
    }

    pub fn service(&self, id: u32) -> Option<&ServiceNames> {
        let at = self
            .services
            .binary_search_by_key(&id, |service| service.id);
        self.services.get(at.ok()?)
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

/// Listeners of mode Passthrough, by address and port and the routes that they serve.
fn passing_listeners(plan: &Plan) -> BTreeMap<(FrontendKey, &ObjectName), Vec<String>> {
    let mut listeners: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (id, frontend) in &plan.frontends {
        let Frontend::Http(http) = frontend else {
            continue;
        };
        for listener in http.tls.iter().filter(|l| l.tls.is_none()) {
            for route in &listener.routes {
                let own = listeners.entry((frontend_key(id), &route.name));
                own.or_default().push(listener.name.to_string());
            }
        }
    }
    listeners
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

#[cfg(test)]
mod tests {
    use gateway_core::{
        l4,
        translate::{Settings, translate},
    };

    use super::*;
    use crate::testing::{MANIFEST, world};

    const PASSTHROUGH: &str = "\
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: tls, namespace: infra}
spec:
  gatewayClassName: xdp
  addresses: [{type: IPAddress, value: 10.0.0.2}]
  listeners:
  - {name: all, port: 443, protocol: TLS, tls: {mode: Passthrough}}
  - {name: a, port: 443, protocol: TLS, hostname: a.example, tls: {mode: Passthrough}}
  - {name: b, port: 443, protocol: TLS, hostname: b.example, tls: {mode: Passthrough}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: through, namespace: infra}
spec:
  parentRefs: [{name: tls, sectionName: all}, {name: tls, sectionName: b}]
  hostnames: [b.example, c.example]
  rules: [{backendRefs: [{name: v1, port: 80}]}]
";

    #[test]
    fn a_service_of_tls_passthrough_has_its_route_and_listeners() {
        let world = world(&format!("{MANIFEST}{PASSTHROUGH}"));
        let plan = translate(&world, &Settings::default()).plan;
        let endpoints = world.endpoints(plan.backend_ids().into_iter());
        let none = Tables::default();
        let tables = l4::compile(&plan, &endpoints, l4::Node::new(3), &none).unwrap();
        let [id] = *tables.routes.keys().collect::<Vec<_>>() else {
            panic!("one service: {:?}", tables.routes);
        };
        let names = Names::new(&plan, &endpoints, &tables);
        let service = names.service(*id).unwrap();
        assert_eq!(service.route, "infra/through");
        assert_eq!(service.listeners, ["all", "b"]);
        assert_eq!(names.service(id + 1), None);

        let gone = Names::new(&Plan::default(), &Endpoints::default(), &tables);
        let service = gone.service(*id).unwrap();
        assert_eq!(
            (service.route.as_str(), service.listeners.len()),
            ("infra/through", 0)
        );
    }
}
