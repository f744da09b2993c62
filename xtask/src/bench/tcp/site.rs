//! The place of one way, with a server behind the node.
//!
//! ```text
//! node 10.78.0.1 ---- 10.78.0.2 inside (server)
//! ```

use anyhow::Result;
use gateway_tests::process::Process;

use super::super::place::{NODE, Place, serve};

pub(super) const SERVER: &str = "10.78.0.2";
pub(super) const PORT: u16 = 5201;

pub(super) struct Site {
    // Dropped before the namespace that it runs in.
    _server: Process,
    pub(super) place: Place,
}

impl Site {
    pub(super) fn new() -> Result<Self> {
        let place = Place::new()?;
        let Place { outside, node, net } = &place;
        let inside = net.namespace("inside")?;
        net.connect([
            (&inside, "eth0", "10.78.0.2/24"),
            (node, "backend", "10.78.0.1/24"),
        ])?;
        node.sysctl("net/ipv4/ip_forward", "1")?;
        outside.ip(&format!("route add default via {NODE}"))?;
        inside.ip("route add default via 10.78.0.1")?;
        outside.run("ethtool", ["-K", "eth0", "tso", "off", "gso", "off"])?;
        node.run("ethtool", ["-K", "uplink", "gro", "on"])?;
        Ok(Self {
            _server: serve(&inside, "iperf3", ["--server", "--forceflush"])?,
            place,
        })
    }
}
