//! A node and a namespace outside, and one behind the node where there is need.
//!
//! ```text
//! outside 10.77.0.2 ---- wire ---- uplink 10.77.0.1 node 10.78.0.1 ---- 10.78.0.2 inside
//! ```

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use gateway_tests::{
    net::{Namespace, Net},
    process::Process,
    wait::wait_until,
};

use super::wire;

pub(super) const NODE: &str = "10.77.0.1";
pub(super) const OUTSIDE: &str = "10.77.0.2";
pub(super) const INSIDE: &str = "10.78.0.2";

/// Of those that open a connection each time: more than the usual 28,232 ports, of which a closed
/// connection holds one for a minute where this does not let it go after a second.
const PORTS: [(&str, &str); 2] = [
    ("net/ipv4/ip_local_port_range", "1024 65000"),
    ("net/ipv4/tcp_tw_reuse", "1"),
];
const LISTEN: Duration = Duration::from_secs(10);

pub(super) struct Place {
    pub(super) outside: Namespace,
    pub(super) node: Namespace,
    pub(super) net: Net,
}

impl Place {
    /// With a wire of these programs ([`build::release`](super::build::release)).
    pub(super) fn new(programs: &Path) -> Result<Self> {
        let net = Net::new()?;
        let (outside, node) = (namespace(&net, "outside")?, namespace(&net, "node")?);
        let addresses = [OUTSIDE, NODE].map(|address| format!("{address}/24"));
        let client = (&outside, "eth0", &*addresses[0]);
        wire::lay(&net, programs, client, (&node, "uplink", &addresses[1]))?;
        Ok(Self { outside, node, net })
    }

    /// Adds the namespace behind the node, which forwards.
    ///
    /// Its link cuts segments, as that of the clients: on a virtual one, one of 64 KiB would pass as one
    /// packet. The node joins them again, as it does behind real cards.
    pub(super) fn inside(&self) -> Result<Namespace> {
        let Self { outside, node, net } = self;
        let inside = namespace(net, "inside")?;
        net.connect([
            (&inside, "eth0", &format!("{INSIDE}/24")),
            (node, "backend", "10.78.0.1/24"),
        ])?;
        node.sysctl("net/ipv4/ip_forward", "1")?;
        outside.ip(&format!("route add default via {NODE}"))?;
        inside.ip("route add default via 10.78.0.1")?;
        node.run("ethtool", ["-K", "backend", "gro", "on"])?;
        Ok(inside)
    }

    /// Lets outside and the node open as many connections as they like, one after the other.
    pub(super) fn many_connections(&self) -> Result<()> {
        for (variable, value) in PORTS {
            self.outside.sysctl(variable, value)?;
            self.node.sysctl(variable, value)?;
        }
        Ok(())
    }

    /// Writes a file that lives as long as the place; its path.
    pub(super) fn file(&self, name: &str, text: &str) -> Result<String> {
        let path = self.net.dir().join(name);
        fs::write(&path, text)?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// Program and arguments of a gateway on the node with one worker and these manifests.
    pub(super) fn gateway(&self, binary: &Path, manifests: &str) -> Result<Vec<String>> {
        let config = self.net.dir().join("config");
        fs::create_dir_all(&config)?;
        self.file("config/bench.yaml", manifests)?;
        let options = ["run", "--workers", "1", "--interface", "uplink"];
        let paths = [("--pin-dir", self.net.pins()), ("--config", config)];
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut command = vec![text(binary)];
        command.extend(options.map(str::to_owned));
        command.extend(
            paths
                .iter()
                .flat_map(|(name, path)| [(*name).to_owned(), text(path)]),
        );
        Ok(command)
    }
}

/// A namespace with what every kernel allows there, not the machine's choice: BBR paces itself, which
/// costs time, and nothing is lost on these links.
fn namespace(net: &Net, role: &str) -> Result<Namespace> {
    let namespace = net.namespace(role)?;
    namespace.sysctl("net/ipv4/tcp_congestion_control", "reno")?;
    Ok(namespace)
}

/// Starts what a command says, program first.
pub(super) fn start(at: &Namespace, name: &str, command: &[String]) -> Result<Process> {
    let (program, arguments) = command.split_first().context("an empty command")?;
    Process::server(at, name, program, arguments)
}

/// A server that says so in its log once it listens.
pub(super) fn serve(at: &Namespace, program: &str, arguments: &[&str]) -> Result<Process> {
    let mut server = Process::server(at, "server", program, arguments)?;
    wait_until(LISTEN, "the server listens", || {
        server.expect_running()?;
        Ok(server.log().contains("listening"))
    })?;
    Ok(server)
}
