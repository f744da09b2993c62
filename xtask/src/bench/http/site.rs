//! The place of one proxy: a node for it, and one namespace outside for load and backend.
//!
//! ```text
//! outside 10.77.0.2 (wrk, backend at port 8080) ---- uplink 10.77.0.1 node (proxy)
//! ```

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use gateway_tests::{
    net::{Namespace, Net},
    process::Process,
    wait::wait_until,
};

use crate::workspace;

/// The proxy's core, and that of everything else.
pub(super) const PROXY_CORE: &str = "0";
pub(super) const LOAD_CORE: &str = "1";
pub(super) const NODE: &str = "10.77.0.1";
pub(super) const BACKEND: &str = "10.77.0.2";
pub(super) const BACKEND_PORT: u16 = 8080;
/// The whole body of each answer.
pub(super) const ANSWER: &str = "hello world";

const LISTEN_LIMIT: Duration = Duration::from_secs(10);

pub(super) struct Site {
    // Dropped before the namespace that it runs in.
    _backend: Process,
    pub(super) outside: Namespace,
    pub(super) node: Namespace,
    pub(super) net: Net,
}

impl Site {
    pub(super) fn new() -> Result<Self> {
        let net = Net::new()?;
        let outside = net.namespace("outside")?;
        let node = net.namespace("node")?;
        net.connect([
            (&outside, "eth0", "10.77.0.2/24"),
            (&node, "uplink", "10.77.0.1/24"),
        ])?;
        let listen = format!("0.0.0.0:{BACKEND_PORT}");
        let peer = peer();
        let arguments = ["-c", LOAD_CORE, &peer.to_string_lossy(), "serve-http"].map(str::to_owned);
        let more = ["--version", "v1", "--listen", &listen, "--fixed", ANSWER].map(str::to_owned);
        let arguments = arguments.into_iter().chain(more);
        let mut backend = Process::server(&outside, "backend", "taskset", arguments)?;
        wait_until(LISTEN_LIMIT, "the backend listens", || {
            backend.expect_running()?;
            Ok(backend.log().contains("listening"))
        })?;
        Ok(Self {
            _backend: backend,
            outside,
            node,
            net,
        })
    }
}

/// Server and client of the bed, as fast as the proxies.
pub(super) fn peer() -> PathBuf {
    workspace::root().join("target/release/peer")
}
