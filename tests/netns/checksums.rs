//! Checksums that the stack leaves to a card: whoever completes them, the translation keeps them
//! right.
//!
//! A packet of a local stack passes the egress program with half a checksum. With `tx off` at the
//! uplink the node's stack completes it after the program, and the receiver, for whom nothing
//! vouches, computes it again.

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY, NODE, UPLINK},
    daemon::Daemon,
    measured::measured,
    net::Namespace,
    wait::wait_until,
};

use super::{admin::sum, tcp::LIMIT};

const BYTES: u64 = 8_000_000;
const QUERIES: u64 = 60;
/// Bytes of the largest frame on the wire.
const FRAME: f64 = 1514.0;
const SWITCH: [&str; 2] = ["off", "on"];

#[test]
fn of_a_backend_on_the_node() -> Result<()> {
    let mut bed = Bed::new()?;
    let daemon = bed.daemon()?;
    send_all_to(&mut bed, NODE, "node")?;
    for uplink in SWITCH {
        bed.node.run("ethtool", ["-K", UPLINK, "tx", uplink])?;
        let frame = exchange(&bed, &daemon).with_context(|| format!("uplink tx {uplink}"))?;
        measured(format_args!("uplink tx {uplink}: {frame:.0} bytes a reply"));
        ensure!(frame > FRAME, "no trains of segments: {frame} bytes");
    }
    Ok(())
}

#[test]
fn of_a_backend_on_another_host() -> Result<()> {
    let mut bed = Bed::new()?;
    let daemon = bed.daemon()?;
    send_all_to(&mut bed, "10.77.2.2", "app2")?;
    for host in SWITCH {
        bed.app2.run("ethtool", ["-K", "eth0", "tx", host])?;
        for uplink in SWITCH {
            bed.node.run("ethtool", ["-K", UPLINK, "tx", uplink])?;
            let frame = exchange(&bed, &daemon)
                .with_context(|| format!("host tx {host}, uplink tx {uplink}"))?;
            measured(format_args!(
                "host tx {host}, uplink tx {uplink}: {frame:.0} bytes a reply"
            ));
            let trains = frame > FRAME;
            ensure!(trains == (host == "on"), "{frame} bytes a reply, tx {host}");
        }
    }
    Ok(())
}

/// A pod's link often takes more than the uplink.
#[test]
fn of_a_backend_on_a_link_for_jumbo_frames() -> Result<()> {
    let mut bed = Bed::new()?;
    bed.node.ip("link set app2 mtu 9000")?;
    bed.app2.ip("link set eth0 mtu 9000")?;
    let daemon = bed.daemon()?;
    send_all_to(&mut bed, "10.77.2.2", "app2")?;
    for host in SWITCH {
        bed.app2.run("ethtool", ["-K", "eth0", "tx", host])?;
        exchange(&bed, &daemon).with_context(|| format!("host tx {host}"))?;
    }
    Ok(())
}

/// TCP and UDP there and back; nobody may have seen a wrong checksum. The mean length of the
/// replies as the egress program saw them, in bytes.
fn exchange(bed: &Bed, daemon: &Daemon) -> Result<f64> {
    let before = replies(daemon)?;
    let tcp = bed.tcp(&format!("--to {GATEWAY}:9000 --bytes {BYTES}"))?;
    tcp.expect_echoed(BYTES)?;
    let after = replies(daemon)?;
    let udp = bed.udp(&format!(
        "--to {GATEWAY}:53 --count {QUERIES} --patience-ms 400"
    ))?;
    ensure!(udp.lost == 0 && udp.sent == QUERIES, "{udp:?}");
    for namespace in [&bed.client, &bed.node, &bed.app2] {
        let errors = checksum_errors(namespace)?;
        ensure!(
            errors == [0, 0],
            "{}: {errors:?} of TCP, UDP",
            namespace.role()
        );
    }
    Ok((after.bytes - before.bytes) / (after.packets - before.packets))
}

struct Replies {
    packets: f64,
    bytes: f64,
}

fn replies(daemon: &Daemon) -> Result<Replies> {
    let metrics = daemon.admin("/metrics")?;
    let of = |name| sum(&metrics, name, &["direction=\"reply\""]);
    Ok(Replies {
        packets: of("xdp_gateway_l4_packets_total")?,
        bytes: of("xdp_gateway_l4_bytes_total")?,
    })
}

/// `InCsumErrors` of TCP and UDP: a line of names, then a line of values.
pub(crate) fn checksum_errors(namespace: &Namespace) -> Result<[u64; 2]> {
    let text = namespace.run("cat", ["/proc/net/snmp"])?;
    let of = |protocol: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with(protocol));
        let (names, values) = (lines.next()?, lines.next()?);
        let at = names.split(' ').position(|name| name == "InCsumErrors")?;
        values.split(' ').nth(at)?.parse::<u64>().ok()
    };
    let [tcp, udp] = ["Tcp:", "Udp:"].map(of);
    tcp.zip(udp)
        .map(|(tcp, udp)| [tcp, udp])
        .with_context(|| format!("no InCsumErrors in\n{text}"))
}

/// Both listeners to the endpoints at one address alone, at other ports than the listeners', so
/// that ports are translated too.
fn send_all_to(bed: &mut Bed, address: &str, role: &str) -> Result<()> {
    let server = format!("serve-tcp --listen 0.0.0.0:9100 --name echo-{role}");
    bed.serve(role, &server)?;
    let bed = &*bed;
    bed.config
        .write("only.yaml", &ONLY.replace("ADDRESS", address))?;
    for (file, name, port) in [("tcp.yaml", "echo", 9000), ("udp.yaml", "dns", 53)] {
        let to = |name| format!("        - name: {name}\n          port: {port}");
        bed.config.replace(file, &to(name), &to("only"))?;
    }
    wait_until(LIMIT, &format!("everything goes to {role} alone"), || {
        let tcp = bed.tcp(&format!("--to {GATEWAY}:9000 --count 8"))?;
        let udp = bed.udp(&format!("--to {GATEWAY}:53 --count 8"))?;
        let alone = |servers: &std::collections::BTreeMap<String, u64>| {
            servers.len() == 1 && servers.keys().all(|name| name.ends_with(role))
        };
        Ok(tcp.failed == 0 && alone(&tcp.servers) && alone(&udp.servers))
    })?;
    Ok(())
}

const ONLY: &str = "
apiVersion: v1
kind: Service
metadata: {name: only, namespace: default}
spec:
  ports:
    - {name: echo, protocol: TCP, port: 9000, targetPort: 9100}
    - {name: dns, protocol: UDP, port: 53, targetPort: 5353}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: only-1
  namespace: default
  labels: {kubernetes.io/service-name: only}
addressType: IPv4
ports:
  - {name: echo, protocol: TCP, port: 9100}
  - {name: dns, protocol: UDP, port: 5353}
endpoints: [{addresses: [ADDRESS]}]
";
