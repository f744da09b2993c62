//! The place of one way.
//!
//! ```text
//! outside 10.77.0.2 (client) ---- uplink 10.77.0.1 node 10.78.0.1 ---- 10.78.0.2 inside (server)
//! ```

use std::time::Duration;

use anyhow::Result;
use gateway_tests::{
    net::{Namespace, Net},
    process::Process,
    wait::wait_until,
};

pub(super) const NODE: &str = "10.77.0.1";
pub(super) const SERVER: &str = "10.78.0.2";
pub(super) const PORT: u16 = 5201;

const LISTEN: Duration = Duration::from_secs(10);

pub(super) struct Site {
    // Dropped before the namespace that it runs in.
    _server: Process,
    pub(super) outside: Namespace,
    pub(super) node: Namespace,
    pub(super) net: Net,
}

impl Site {
    pub(super) fn new() -> Result<Self> {
        let net = Net::new()?;
        let [outside, node, inside] = ["outside", "node", "inside"].map(|role| net.namespace(role));
        let (outside, node, inside) = (outside?, node?, inside?);
        net.connect([
            (&outside, "eth0", "10.77.0.2/24"),
            (&node, "uplink", "10.77.0.1/24"),
        ])?;
        net.connect([
            (&inside, "eth0", "10.78.0.2/24"),
            (&node, "backend", "10.78.0.1/24"),
        ])?;
        node.sysctl("net/ipv4/ip_forward", "1")?;
        outside.ip("route add default via 10.77.0.1")?;
        inside.ip("route add default via 10.78.0.1")?;
        outside.run("ethtool", ["-K", "eth0", "tso", "off", "gso", "off"])?;
        node.run("ethtool", ["-K", "uplink", "gro", "on"])?;
        let mut server =
            Process::server(&inside, "server", "iperf3", ["--server", "--forceflush"])?;
        wait_until(LISTEN, "the server listens", || {
            server.expect_running()?;
            Ok(server.log().contains("listening"))
        })?;
        Ok(Self {
            _server: server,
            outside,
            node,
            net,
        })
    }
}
