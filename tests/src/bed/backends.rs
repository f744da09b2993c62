//! A Service as tests write it.

use std::net::IpAddr;

use serde_json::{Value as Json, json};

/// A Service with one port.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backends<'a> {
    pub name: &'a str,
    /// Name, protocol and number.
    pub port: (&'a str, &'a str, u16),
    /// Port of the endpoints.
    pub target: u16,
    /// Of the endpoints, in both families.
    pub addresses: &'a [&'a str],
    /// Of the endpoints; empty where nothing is said of it.
    pub node: &'a str,
}

impl Backends<'_> {
    /// The Service, and an EndpointSlice for each family that has addresses.
    pub fn manifest(&self) -> String {
        let (port, protocol, number) = self.port;
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": self.name},
            "spec": {"ports": [{"name": port, "protocol": protocol, "port": number}]},
        });
        let slices = ["IPv4", "IPv6"].map(|family| self.slice(family));
        let all = [service].into_iter().chain(slices.into_iter().flatten());
        all.map(|document| format!("---\n{document}\n")).collect()
    }

    fn slice(&self, family: &str) -> Option<Json> {
        let (port, protocol, _) = self.port;
        let is_v6 = |address: &&&str| matches!(address.parse(), Ok(IpAddr::V6(_)));
        let addresses = self.addresses.iter();
        let endpoints: Vec<_> = addresses
            .filter(|address| is_v6(address) == (family == "IPv6"))
            .map(|address| match self.node {
                "" => json!({"addresses": [address]}),
                node => json!({"addresses": [address], "nodeName": node}),
            })
            .collect();
        (!endpoints.is_empty()).then(|| {
            json!({
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": format!("{}-{}", self.name, family.to_lowercase()),
                    "labels": {"kubernetes.io/service-name": self.name},
                },
                "addressType": family,
                "ports": [{"name": port, "protocol": protocol, "port": self.target}],
                "endpoints": endpoints,
            })
        })
    }
}
