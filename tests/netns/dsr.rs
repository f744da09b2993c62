//! Direct server return end to end, over links of 1500 bytes: two nodes with a daemon each, behind
//! a router, and the backend in a pod of the node that clients do not come to.
//!
//! ```text
//! far (client) 10.78.0.2 ---- client (router) ---- 10.77.0.1 node, answers for the Gateway
//!                                      '---------- 10.79.0.2 other ---- 10.80.0.2 pod
//! ```

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Backends, Bed, GATEWAY, GATEWAY_V6},
    daemon::Daemon,
    net::{Namespace, Net},
    process::Process,
    programs::Programs,
    report::{TcpReport, UdpReport},
    wait::wait_until,
};

use crate::neighbours::metric;

const PEER: &str = "other=10.79.0.2,2001:db8:82::2";
/// Both ways.
const BYTES: u64 = 100_000_000;
const SENT: &str = "xdp_gateway_l4_dsr_packets_total{direction=\"sent\"}";
const RECEIVED: &str = "xdp_gateway_l4_dsr_packets_total{direction=\"received\"}";

struct Nodes {
    // Processes before their namespaces.
    node: Daemon,
    other: Daemon,
    _servers: [Process; 4],
    far: Namespace,
    bed: Bed,
    _pins: Net,
}

impl Nodes {
    fn new(mode: &str) -> Result<Self> {
        let bed = Bed::dual_stack()?;
        let far = bed.net.namespace("far")?;
        let other = bed.net.namespace("other")?;
        let pod = bed.net.namespace("pod")?;
        connect(&bed, [&far, &other, &pod])?;
        configure(&bed, mode)?;
        let servers = serve(&pod)?;
        let (pins, dir) = (Net::new()?, bed.config.dir());
        let start = |at: &Namespace, pins: &Net, name: &str, more: &[&str]| {
            let options = [&["--node-name", name], more].concat();
            let mut daemon = Daemon::start(at, dir, &pins.pins(), &options)?;
            daemon.wait_ready()?;
            Ok::<_, anyhow::Error>(daemon)
        };
        Ok(Self {
            node: start(&bed.node, &bed.net, "node", &["--peer", PEER])?,
            other: start(&other, &pins, "other", &[])?,
            _servers: servers,
            far,
            bed,
            _pins: pins,
        })
    }

    fn tcp(&self, gateway: &str, bytes: u64) -> Result<TcpReport> {
        let arguments = format!("tcp --to {gateway}:9000 --bytes {bytes}");
        let report: TcpReport = self.ask(&arguments)?;
        report.expect_echoed(bytes)?;
        ensure!(report.servers.get("pod") == Some(&1), "{report:?}");
        Ok(report)
    }

    fn ask<R: serde::de::DeserializeOwned>(&self, arguments: &str) -> Result<R> {
        let peer = &Programs::get()?.peer;
        Process::client(&self.far, "ask", peer, arguments.split_whitespace())?.report()
    }
}

fn connect(bed: &Bed, [far, other, pod]: [&Namespace; 3]) -> Result<()> {
    let router = &bed.client;
    for (ends, addresses) in [
        (
            [(far, "eth0"), (router, "far")],
            [
                ("10.78.0.2/24", "2001:db8:80::2/64"),
                ("10.78.0.1/24", "2001:db8:80::1/64"),
            ],
        ),
        (
            [(router, "other"), (other, "uplink")],
            [
                ("10.79.0.1/24", "2001:db8:82::1/64"),
                ("10.79.0.2/24", "2001:db8:82::2/64"),
            ],
        ),
        (
            [(pod, "eth0"), (other, "pod")],
            [
                ("10.80.0.2/24", "2001:db8:83::2/64"),
                ("10.80.0.1/24", "2001:db8:83::1/64"),
            ],
        ),
    ] {
        let ([(first, one), (second, two)], [(here, _), (there, _)]) = (ends, addresses);
        bed.net
            .connect([(first, one, here), (second, two, there)])?;
        for ((namespace, interface), (_, v6)) in ends.into_iter().zip(addresses) {
            for name in ["lo", interface] {
                namespace.sysctl(&format!("net/ipv6/conf/{name}/disable_ipv6"), "0")?;
            }
            namespace.ip(&format!("address add {v6} dev {interface} nodad"))?;
        }
    }
    for namespace in [router, other] {
        namespace.sysctl("net/ipv4/ip_forward", "1")?;
        namespace.sysctl("net/ipv6/conf/all/forwarding", "1")?;
    }
    // Replies come from another link than the Gateway's.
    for interface in ["all", "other"] {
        router.sysctl(&format!("net/ipv4/conf/{interface}/rp_filter"), "0")?;
    }
    for (namespace, v4, v6) in [
        (far, "10.78.0.1", "2001:db8:80::1"),
        (other, "10.79.0.1", "2001:db8:82::1"),
        (pod, "10.80.0.1", "2001:db8:83::1"),
    ] {
        namespace.ip(&format!("route add default via {v4}"))?;
        namespace.ip(&format!("-6 route add default via {v6}"))?;
    }
    // Of pods on the other node, neither the router nor the gateway's node knows anything: what
    // leads to it is the node's own address.
    bed.node.ip("-6 route add default via 2001:db8:77::2")?;
    Ok(())
}

fn configure(bed: &Bed, mode: &str) -> Result<()> {
    let controller = "controllerName: xdp-gateway.dev/controller";
    let reference = "parametersRef: {group: xdp-gateway.dev, kind: GatewayParameters, name: all, \
                     namespace: default}";
    let class = format!("{controller}\n  {reference}");
    bed.config.replace("gateway.yaml", controller, &class)?;
    bed.config.remove("endpoints-v6.yaml")?;
    for (file, name, port) in [("tcp.yaml", "echo", "9000"), ("udp.yaml", "dns", "53")] {
        let reference = format!("- name: {name}\n          port: {port}");
        let other = format!("- name: far-{name}\n          port: {port}");
        bed.config.replace(file, &reference, &other)?;
    }
    let backends = |name, port, target| Backends {
        name,
        port,
        target,
        addresses: &["10.80.0.2", "2001:db8:83::2"],
        node: "other",
    };
    let echo = backends("far-echo", ("echo", "TCP", 9000), 9000).manifest();
    let dns = backends("far-dns", ("dns", "UDP", 53), 5353).manifest();
    let parameters = PARAMETERS.replace("MODE", mode);
    bed.config
        .write("far.yaml", &[parameters, echo, dns].concat())
}

fn serve(pod: &Namespace) -> Result<[Process; 4]> {
    let peer = &Programs::get()?.peer;
    let serve = |name: &str, arguments: &str| {
        Process::server(pod, name, peer, arguments.split_whitespace())
    };
    Ok([
        serve("tcp4", "serve-tcp --listen 10.80.0.2:9000 --name pod")?,
        serve(
            "tcp6",
            "serve-tcp --listen [2001:db8:83::2]:9000 --name pod",
        )?,
        serve("udp4", "serve-udp --listen 10.80.0.2:5353 --name pod")?,
        serve(
            "udp6",
            "serve-udp --listen [2001:db8:83::2]:5353 --name pod",
        )?,
    ])
}

/// What the client was told of the way to the Gateway.
fn known_mtu(nodes: &Nodes, gateway: &str) -> Result<String> {
    let family = if gateway.contains(':') { "-6 " } else { "" };
    let address = gateway.trim_matches(['[', ']']);
    let route = nodes.far.ip(&format!("{family}route get {address}"))?;
    let words: Vec<_> = route.split_whitespace().collect();
    let mtu = words.windows(2).find(|pair| pair[0] == "mtu");
    Ok(mtu.map_or("-", |pair| pair[1]).to_owned())
}

#[test]
fn backends_on_another_node_see_the_client() -> Result<()> {
    let nodes = Nodes::new("DSR")?;
    for gateway in [GATEWAY.to_owned(), format!("[{GATEWAY_V6}]")] {
        let before = [metric(&nodes.node, SENT)?, metric(&nodes.other, RECEIVED)?];
        let report = nodes.tcp(&gateway, BYTES)?;
        ensure!(report.client_address_kept, "{report:?}");
        // Segments were made to fit from the beginning: nobody had to complain.
        ensure!(known_mtu(&nodes, &gateway)? == "-");
        let after = [metric(&nodes.node, SENT)?, metric(&nodes.other, RECEIVED)?];
        ensure!(after[0] > before[0] + 50_000, "{before:?} {after:?}");
        ensure!(after[1] > before[1] + 50_000, "{before:?} {after:?}");
        let report: UdpReport = nodes.ask(&format!("udp --to {gateway}:53 --count 20"))?;
        ensure!(report.lost == 0 && report.client_address_kept, "{report:?}");
        ensure!(report.servers.get("pod") == Some(&20), "{report:?}");
    }
    let status = nodes.node.status()?;
    let row = &status["farBackends"][0];
    ensure!(row["mode"] == "DSR" && row["byDsr"] == 4, "{row}");
    ensure!(row["bySnat"] == 0, "{row}");
    let gateway = &Programs::get()?.gateway;
    let pins = nodes.node.pins().display().to_string();
    let ask = |command: &str, more: &[&str]| {
        let arguments = [&[command, "--pin-dir", &pins], more].concat();
        nodes.bed.node.run(gateway, arguments)
    };
    let maps = ask("maps", &[])?;
    ensure!(maps.contains("DSR to 10.79.0.2"), "{maps}");
    let flows = ask("flows", &[])?;
    ensure!(flows.contains("DSR to 10.79.0.2"), "{flows}");
    let to = format!("{GATEWAY}:9000");
    let trace = ask("trace", &["tcp", "10.78.0.2:4711", &to])?;
    ensure!(trace.contains("by DSR to its node 10.79.0.2"), "{trace}");
    ensure!(trace.contains("it goes to the node 10.79.0.2"), "{trace}");
    Ok(())
}

/// A narrow link between the nodes, which the backend's node knows nothing of: the error that
/// speaks of the outer packet reaches the client as one about its own.
#[test]
fn clients_learn_of_a_narrow_link_between_the_nodes() -> Result<()> {
    let nodes = Nodes::new("DSR")?;
    nodes
        .bed
        .node
        .ip("route add 10.79.0.0/24 via 10.77.0.2 mtu 1400")?;
    nodes
        .bed
        .node
        .ip("-6 route add 2001:db8:82::/64 via 2001:db8:77::2 mtu 1400")?;
    for (gateway, mtu) in [
        (GATEWAY.to_owned(), "1380"),
        (format!("[{GATEWAY_V6}]"), "1360"),
    ] {
        let report = nodes.tcp(&gateway, 1_000_000)?;
        ensure!(report.client_address_kept, "{report:?}");
        let known = known_mtu(&nodes, &gateway)?;
        ensure!(known == mtu, "{gateway}: {known}");
    }
    Ok(())
}

/// By hand, as after a change of parameters: new connections go by SNAT.
#[test]
fn a_running_connection_keeps_its_mode() -> Result<()> {
    let nodes = Nodes::new("DSR")?;
    let peer = &Programs::get()?.peer;
    let to = format!("{GATEWAY}:9000");
    let arguments = [
        "tcp", "--to", &to, "--bytes", "20000000", "--rate", "4000000",
    ];
    let running = Process::client(&nodes.far, "running", peer, arguments)?;
    nodes.bed.node.ip("route add 10.80.0.0/24 via 10.77.0.2")?;
    nodes
        .bed
        .client
        .ip("route add 10.80.0.0/24 via 10.79.0.2")?;
    wait_until(crate::tcp::LIMIT, "the transfer runs by DSR", || {
        Ok(metric(&nodes.node, SENT)? > 100)
    })?;
    nodes
        .bed
        .config
        .replace("far.yaml", "mode: DSR", "mode: SNAT")?;
    wait_until(crate::tcp::LIMIT, "SNAT is in force", || {
        Ok(nodes.node.status()?["farBackends"][0]["bySnat"] == 4)
    })?;
    let report = nodes.tcp(GATEWAY, 10_000)?;
    ensure!(!report.client_address_kept, "{report:?}");
    let report: TcpReport = running.report().context("the connection by DSR")?;
    report.expect_echoed(20_000_000)?;
    ensure!(report.client_address_kept, "{report:?}");
    Ok(())
}

const PARAMETERS: &str = "
apiVersion: xdp-gateway.dev/v1alpha1
kind: GatewayParameters
metadata: {name: all, namespace: default}
spec: {l4: {mode: MODE}}
";
