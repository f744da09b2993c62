//! TLS passthrough: listeners and routes by server name, and servers that wait for a ClientHello.
//!
//! | name | backend |
//! |---|---|
//! | app1.pass.example | app1, in a namespace of its own, as a pod is |
//! | *.wild.pass.example | app2, likewise |
//! | node.pass.example | a process of the node |
//! | split.pass.example | app1 and app2, three to one |
//!
//! All at port 443; any.example at port 8443 goes to app1, through a listener for every name.

use anyhow::Result;
use serde_json::json;

use super::{Backends, Bed, GATEWAY};

/// The Gateway's addresses as ports are put behind them.
pub const GATEWAYS: [&str; 2] = [GATEWAY, "[2001:db8:77::100]"];
/// Port of the servers that wait for a hello.
pub const AFTER_HELLO: u16 = 9443;

/// Role, and addresses of both families.
const SERVERS: [(&str, [&str; 2]); 3] = [
    ("app1", ["10.77.1.2", "2001:db8:78::2"]),
    ("app2", ["10.77.2.2", "2001:db8:79::2"]),
    ("node", ["10.77.0.1", "2001:db8:77::1"]),
];
/// In place of the line above the Gateway's listeners.
pub const PASSTHROUGH_LISTENERS: &str = "  listeners:
    - {name: through, port: 443, protocol: TLS, hostname: '*.pass.example', tls: {mode: Passthrough}}
    - {name: all, port: 8443, protocol: TLS, tls: {mode: Passthrough}}
";

/// A route for TLS: `backends` are names of Services with port 443, and weights.
pub struct TlsRoute<'a> {
    pub name: &'a str,
    /// Of the Gateway.
    pub listener: &'a str,
    pub hostnames: &'a [&'a str],
    pub backends: &'a [(&'a str, u32)],
}

const ROUTES: [TlsRoute<'_>; 5] = [
    route("one", "through", &["app1.pass.example"], &[("app1", 1)]),
    route("wild", "through", &["*.wild.pass.example"], &[("app2", 1)]),
    route("node", "through", &["node.pass.example"], &[("node", 1)]),
    route(
        "split",
        "through",
        &["split.pass.example"],
        &[("app1", 3), ("app2", 1)],
    ),
    route("any", "all", &["any.example"], &[("app1", 1)]),
];

const fn route<'a>(
    name: &'a str,
    listener: &'a str,
    hostnames: &'a [&'a str],
    backends: &'a [(&'a str, u32)],
) -> TlsRoute<'a> {
    TlsRoute {
        name,
        listener,
        hostnames,
        backends,
    }
}

impl TlsRoute<'_> {
    pub fn manifest(&self) -> String {
        let backends = self.backends.iter();
        let backends: Vec<_> = backends
            .map(|(name, weight)| json!({"name": name, "port": 443, "weight": weight}))
            .collect();
        let route = json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "TLSRoute",
            "metadata": {"name": self.name, "namespace": "default"},
            "spec": {
                "parentRefs": [{"name": "demo", "sectionName": self.listener}],
                "hostnames": self.hostnames,
                "rules": [{"backendRefs": backends}],
            },
        });
        format!("---\n{route}\n")
    }
}

impl Bed {
    /// Both families, the servers and routes of this file; each route is in a file named after it.
    ///
    /// # Errors
    /// As [`Bed::new`].
    pub fn passthrough() -> Result<Self> {
        let mut bed = Self::dual_stack()?;
        for (role, addresses) in SERVERS {
            for at in addresses.map(|address| Self::at(address, AFTER_HELLO)) {
                bed.serve(
                    role,
                    &format!("serve-tcp --after-hello --listen {at} --name {role}"),
                )?;
            }
            bed.tls_service(role, &addresses, AFTER_HELLO)?;
        }
        bed.wait_for_servers()?;
        bed.config
            .replace("gateway.yaml", "  listeners:\n", PASSTHROUGH_LISTENERS)?;
        for route in ROUTES {
            bed.tls_route(&route)?;
        }
        Ok(bed)
    }

    /// A Service with port 443 and endpoints at these addresses.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn tls_service(&self, name: &str, addresses: &[&str], target: u16) -> Result<()> {
        let service = Backends {
            name,
            port: ("tls", "TCP", 443),
            target,
            addresses,
            node: "",
        };
        self.config
            .write(&format!("service-{name}.yaml"), &service.manifest())
    }

    /// # Errors
    /// The file cannot be written.
    pub fn tls_route(&self, route: &TlsRoute<'_>) -> Result<()> {
        let file = format!("{}.yaml", route.name);
        self.config.write(&file, &route.manifest())
    }

    /// `address:port`, with brackets where they belong.
    pub fn at(address: &str, port: u16) -> String {
        match address.contains(':') {
            true => format!("[{address}]:{port}"),
            false => format!("{address}:{port}"),
        }
    }
}
