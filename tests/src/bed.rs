//! The network of the demo and of the end-to-end tests, with its servers.
//!
//! ```text
//! client 10.77.0.2 ---- uplink 10.77.0.1 node 10.77.1.1 ---- 10.77.1.2 app1
//!                       Gateway 10.77.0.100   10.77.2.1 ---- 10.77.2.2 app2
//! ```
//! The Gateway's address is on no interface: the daemon makes the node answer for it.

mod backends;
mod config;
mod dual;
mod passthrough;

use std::time::Duration;

use anyhow::Result;
use serde::de::DeserializeOwned;

pub use self::{
    backends::Backends,
    config::Config,
    dual::GATEWAY_V6,
    passthrough::{AFTER_HELLO, GATEWAYS, PASSTHROUGH_LISTENERS, TlsRoute},
};
use crate::{
    daemon::Daemon,
    net::{Namespace, Net},
    process::Process,
    programs::Programs,
    report::{HttpReport, PingReport, TcpReport, UdpReport},
    wait::wait_until,
};

/// The Gateway's address in examples/demo.
pub const GATEWAY: &str = "10.77.0.100";
/// The node's own address on the uplink.
pub const NODE: &str = "10.77.0.1";
/// The interface of the node that faces the client.
pub const UPLINK: &str = "uplink";

const LISTEN_LIMIT: Duration = Duration::from_secs(20);
/// Role of the namespace, arguments of the server. Names end with where they run.
const SERVERS: [(&str, &str); 9] = [
    ("app1", "serve-http --listen 0.0.0.0:8080 --version v1"),
    ("app2", "serve-http --listen 0.0.0.0:8080 --version v2"),
    ("node", "serve-http --listen 0.0.0.0:8080 --version v1-node"),
    ("app1", "serve-tcp --listen 0.0.0.0:9000 --name echo-app1"),
    ("app2", "serve-tcp --listen 0.0.0.0:9000 --name echo-app2"),
    ("node", "serve-tcp --listen 0.0.0.0:9000 --name echo-node"),
    ("app1", "serve-udp --listen 0.0.0.0:5353 --name dns-app1"),
    ("app2", "serve-udp --listen 0.0.0.0:5353 --name dns-app2"),
    ("node", "serve-udp --listen 0.0.0.0:5353 --name dns-node"),
];

/// Namespaces with servers in them, and a directory for the daemon's configuration.
pub struct Bed {
    // Fields are dropped in this order: processes before their namespaces.
    servers: Vec<Process>,
    pub client: Namespace,
    pub node: Namespace,
    pub app1: Namespace,
    pub app2: Namespace,
    pub config: Config,
    pub net: Net,
}

impl Bed {
    /// Builds the network and starts its servers; returns when they listen. The configuration
    /// is a copy of examples/demo.
    ///
    /// # Errors
    /// Without privileges, or where a program cannot be built or started.
    pub fn new() -> Result<Self> {
        Programs::get()?;
        let net = Net::new()?;
        let [client, node, app1, app2] = namespaces(&net)?;
        let config = Config::new(net.dir().join("config"))?;
        let servers = Vec::new();
        let mut bed = Self {
            servers,
            client,
            node,
            app1,
            app2,
            config,
            net,
        };
        bed.config.copy_examples()?;
        for (role, arguments) in SERVERS {
            bed.serve(role, arguments)?;
        }
        bed.wait_for_servers()?;
        Ok(bed)
    }

    fn wait_for_servers(&mut self) -> Result<()> {
        for server in &mut self.servers {
            wait_until(LISTEN_LIMIT, "a server listens", || {
                server.expect_running()?;
                Ok(server.log().contains("listening"))
            })?;
        }
        Ok(())
    }

    /// Starts the daemon on the node and waits until it is ready.
    ///
    /// # Errors
    /// It ends, or is not ready in time; the message has its log.
    pub fn daemon(&self) -> Result<Daemon> {
        let mut daemon = Daemon::start(&self.node, self.config.dir(), &self.net.pins(), &[])?;
        daemon.wait_ready()?;
        Ok(daemon)
    }

    /// Starts a client in the client's namespace; `arguments` are those of `peer`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self, name: &str, arguments: &str) -> Result<Process> {
        let peer = &Programs::get()?.peer;
        Process::client(&self.client, name, peer, arguments.split_whitespace())
    }

    /// # Errors
    /// The client cannot work at all; failed requests are in the report.
    pub fn http(&self, arguments: &str) -> Result<HttpReport> {
        self.ask("http", arguments)
    }

    /// # Errors
    /// As [`Bed::http`].
    pub fn tcp(&self, arguments: &str) -> Result<TcpReport> {
        self.ask("tcp", arguments)
    }

    /// # Errors
    /// As [`Bed::http`].
    pub fn udp(&self, arguments: &str) -> Result<UdpReport> {
        self.ask("udp", arguments)
    }

    /// # Errors
    /// As [`Bed::http`].
    pub fn ping(&self, arguments: &str) -> Result<PingReport> {
        self.ask("ping", arguments)
    }

    /// Starts one more server; it may not listen yet.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn serve(&mut self, role: &str, arguments: &str) -> Result<()> {
        let peer = &Programs::get()?.peer;
        let namespace = match role {
            "app1" => &self.app1,
            "app2" => &self.app2,
            _ => &self.node,
        };
        let name = format!("server-{}", self.servers.len());
        let server = Process::server(namespace, &name, peer, arguments.split_whitespace())?;
        self.servers.push(server);
        Ok(())
    }

    fn ask<R: DeserializeOwned>(&self, role: &str, arguments: &str) -> Result<R> {
        self.start(role, &format!("{role} {arguments}"))?.report()
    }
}

fn namespaces(net: &Net) -> Result<[Namespace; 4]> {
    let client = net.namespace("client")?;
    let node = net.namespace("node")?;
    let app1 = net.namespace("app1")?;
    let app2 = net.namespace("app2")?;
    net.connect([
        (&client, "eth0", "10.77.0.2/24"),
        (&node, UPLINK, "10.77.0.1/24"),
    ])?;
    net.connect([
        (&app1, "eth0", "10.77.1.2/24"),
        (&node, "app1", "10.77.1.1/24"),
    ])?;
    net.connect([
        (&app2, "eth0", "10.77.2.2/24"),
        (&node, "app2", "10.77.2.1/24"),
    ])?;
    // Else a veth drops what does not fit into the 256 places of a peer with XDP (before Linux 6.16
    // in any case); a card makes the sender wait.
    client.run("tc", "qdisc replace dev eth0 root pfifo".split(' '))?;
    node.sysctl("net/ipv4/ip_forward", "1")?;
    client.ip("route add default via 10.77.0.1")?;
    app1.ip("route add default via 10.77.1.1")?;
    app2.ip("route add default via 10.77.2.1")?;
    // The daemon finds its uplink by the default route, as on a real node.
    node.ip("route add default via 10.77.0.2")?;
    Ok([client, node, app1, app2])
}
