//! A node and a namespace outside.
//!
//! ```text
//! outside 10.77.0.2 ---- uplink 10.77.0.1 node
//! ```

use std::time::Duration;

use anyhow::Result;
use gateway_tests::{
    net::{Namespace, Net},
    process::Process,
    wait::wait_until,
};

pub(super) const NODE: &str = "10.77.0.1";
pub(super) const OUTSIDE: &str = "10.77.0.2";

const LISTEN: Duration = Duration::from_secs(10);

pub(super) struct Place {
    pub(super) outside: Namespace,
    pub(super) node: Namespace,
    pub(super) net: Net,
}

impl Place {
    pub(super) fn new() -> Result<Self> {
        let net = Net::new()?;
        let (outside, node) = (net.namespace("outside")?, net.namespace("node")?);
        net.connect([
            (&outside, "eth0", &format!("{OUTSIDE}/24")),
            (&node, "uplink", &format!("{NODE}/24")),
        ])?;
        Ok(Self { outside, node, net })
    }
}

/// A server that says so in its log once it listens.
pub(super) fn serve<const N: usize>(
    at: &Namespace,
    program: &str,
    arguments: [&str; N],
) -> Result<Process> {
    let mut server = Process::server(at, "server", program, arguments)?;
    wait_until(LISTEN, "the server listens", || {
        server.expect_running()?;
        Ok(server.log().contains("listening"))
    })?;
    Ok(server)
}
