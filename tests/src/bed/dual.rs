//! The same network with IPv6 beside IPv4.
//!
//! ```text
//! client 2001:db8:77::2 -- uplink ...:77::1 node ...:78::1 -- 2001:db8:78::2 app1
//!                  Gateway ...:77::100           ...:79::1 -- 2001:db8:79::2 app2
//! ```

use anyhow::Result;

use super::{Bed, GATEWAY, UPLINK};

/// The Gateway's second address.
pub const GATEWAY_V6: &str = "2001:db8:77::100";

const SERVERS: [(&str, &str); 6] = [
    (
        "app1",
        "serve-tcp --listen [2001:db8:78::2]:9000 --name echo-app1",
    ),
    (
        "app2",
        "serve-tcp --listen [2001:db8:79::2]:9000 --name echo-app2",
    ),
    (
        "node",
        "serve-tcp --listen [2001:db8:77::1]:9000 --name echo-node",
    ),
    (
        "app1",
        "serve-udp --listen [2001:db8:78::2]:5353 --name dns-app1",
    ),
    (
        "app2",
        "serve-udp --listen [2001:db8:79::2]:5353 --name dns-app2",
    ),
    (
        "node",
        "serve-udp --listen [2001:db8:77::1]:5353 --name dns-node",
    ),
];

impl Bed {
    /// Both families on every link; TCP and UDP servers for IPv6, too, and the Gateway has
    /// [`GATEWAY_V6`] beside its IPv4 address.
    ///
    /// # Errors
    /// As [`Bed::new`].
    pub fn dual_stack() -> Result<Self> {
        let mut bed = Self::new()?;
        bed.add_ipv6()?;
        for (role, arguments) in SERVERS {
            bed.serve(role, arguments)?;
        }
        bed.wait_for_servers()?;
        let second =
            format!("value: {GATEWAY}\n    - type: IPAddress\n      value: \"{GATEWAY_V6}\"");
        bed.config
            .replace("gateway.yaml", &format!("value: {GATEWAY}"), &second)?;
        bed.config.write("endpoints-v6.yaml", ENDPOINTS)?;
        Ok(bed)
    }

    fn add_ipv6(&self) -> Result<()> {
        for (namespace, interface, address) in [
            (&self.client, "eth0", "2001:db8:77::2/64"),
            (&self.node, UPLINK, "2001:db8:77::1/64"),
            (&self.node, "app1", "2001:db8:78::1/64"),
            (&self.node, "app2", "2001:db8:79::1/64"),
            (&self.app1, "eth0", "2001:db8:78::2/64"),
            (&self.app2, "eth0", "2001:db8:79::2/64"),
        ] {
            for name in ["lo", interface] {
                namespace.sysctl(&format!("net/ipv6/conf/{name}/disable_ipv6"), "0")?;
            }
            namespace.ip(&format!("address add {address} dev {interface} nodad"))?;
        }
        self.node.sysctl("net/ipv6/conf/all/forwarding", "1")?;
        self.client.ip("-6 route add default via 2001:db8:77::1")?;
        self.app1.ip("-6 route add default via 2001:db8:78::1")?;
        self.app2.ip("-6 route add default via 2001:db8:79::1")?;
        Ok(())
    }
}

const ENDPOINTS: &str = "
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: echo-v6
  namespace: default
  labels: {kubernetes.io/service-name: echo}
addressType: IPv6
ports: [{name: echo, protocol: TCP, port: 9000}]
endpoints: [{addresses: ['2001:db8:78::2']}, {addresses: ['2001:db8:79::2']}, {addresses: ['2001:db8:77::1']}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: dns-v6
  namespace: default
  labels: {kubernetes.io/service-name: dns}
addressType: IPv6
ports: [{name: dns, protocol: UDP, port: 5353}]
endpoints: [{addresses: ['2001:db8:78::2']}, {addresses: ['2001:db8:79::2']}, {addresses: ['2001:db8:77::1']}]
";
