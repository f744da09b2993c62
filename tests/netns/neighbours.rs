//! Who answers on the link for a Gateway's addresses, as a client's kernel sees it.

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY, NODE, UPLINK},
    daemon::Daemon,
    net::Namespace,
    wait::wait_until,
};

use crate::tcp::LIMIT;

const GATEWAY_V6: &str = "2001:db8:77::100";
const CLIENT_V6: &str = "2001:db8:77::2";

/// The Ethernet address that `namespace` has for `address`; none while it does not know.
fn neighbour(namespace: &Namespace, address: &str) -> Result<Option<String>> {
    let shown = namespace.ip(&format!("neigh show {address}"))?;
    let link = shown.split_once("lladdr ").map(|(_, after)| after);
    Ok(link.and_then(|l| Some(l.split_whitespace().next()?.to_owned())))
}

fn mac(namespace: &Namespace, interface: &str) -> Result<String> {
    let shown = namespace.ip(&format!("-o link show {interface}"))?;
    let (_, after) = shown.split_once("link/ether ").context("no Ethernet")?;
    let mac = after.split_whitespace().next().context("no address")?;
    Ok(mac.to_owned())
}

/// Value of a sample of /metrics.
pub(crate) fn metric(daemon: &Daemon, sample: &str) -> Result<u64> {
    let metrics = daemon.admin("/metrics")?;
    let line = metrics.lines().find_map(|l| l.strip_prefix(sample));
    let value = line.with_context(|| format!("no {sample} in {metrics}"))?;
    Ok(value.trim().parse()?)
}

/// Client and node speak IPv6, and the Gateway has an IPv6 address too.
fn with_ipv6() -> Result<Bed> {
    let bed = Bed::new()?;
    for (namespace, interface, address) in [
        (&bed.client, "eth0", "2001:db8:77::2/64"),
        (&bed.node, UPLINK, "2001:db8:77::1/64"),
    ] {
        for name in ["lo", interface] {
            namespace.sysctl(&format!("net/ipv6/conf/{name}/disable_ipv6"), "0")?;
        }
        namespace.ip(&format!("address add {address} dev {interface} nodad"))?;
    }
    let second = format!("value: {GATEWAY}\n    - type: IPAddress\n      value: \"{GATEWAY_V6}\"");
    bed.config
        .replace("gateway.yaml", &format!("value: {GATEWAY}"), &second)?;
    Ok(bed)
}

#[test]
fn a_client_finds_the_address_at_the_uplink() -> Result<()> {
    // Driver mode: half of a veth pair, so behind XDP. Generic mode: by XDP itself.
    for mode in ["driver", "generic"] {
        let bed = Bed::new()?;
        let flags = ["--xdp-mode", mode];
        let mut daemon = Daemon::start(&bed.node, bed.config.dir(), &bed.net.pins(), &flags)?;
        daemon.wait_ready()?;
        let ping = bed.ping(&format!("--to {GATEWAY} --count 1"))?;
        ensure!(ping.lost == 0, "{mode}: {ping:?}");
        let found = neighbour(&bed.client, GATEWAY)?;
        ensure!(found == Some(mac(&bed.node, UPLINK)?), "{mode}: {found:?}");
        let answers = "xdp_gateway_neighbour_packets_total{outcome=\"answer\",protocol=\"arp\"}";
        ensure!(metric(&daemon, answers)? > 0, "{mode}: by somebody else");
        let said = daemon.status_text()?;
        ensure!(said.contains(&format!("{GATEWAY}  this node")), "{said}");
    }
    Ok(())
}

#[test]
fn http_over_ipv6_at_an_address_that_neighbour_discovery_finds() -> Result<()> {
    for mode in ["driver", "generic"] {
        let bed = with_ipv6()?;
        let flags = ["--xdp-mode", mode];
        let mut daemon = Daemon::start(&bed.node, bed.config.dir(), &bed.net.pins(), &flags)?;
        daemon.wait_ready()?;
        let ask = format!("--to [{GATEWAY_V6}]:80 --host hello.example.com --count 20");
        let report = bed.http(&ask)?;
        ensure!(report.versions.get("v1") == Some(&20), "{mode}: {report:?}");
        let answer = report.last.context("no answer")?;
        let seen = answer.seen.context("the backend did not answer")?;
        let client = seen.headers.get("x-forwarded-for");
        ensure!(client.is_some_and(|c| c == CLIENT_V6), "{mode}: {seen:?}");
        let found = neighbour(&bed.client, GATEWAY_V6)?;
        ensure!(found == Some(mac(&bed.node, UPLINK)?), "{mode}: {found:?}");
        let answers = "xdp_gateway_neighbour_packets_total{outcome=\"answer\",protocol=\"ndp\"}";
        ensure!(metric(&daemon, answers)? > 0, "{mode}: by somebody else");
        let group = bed.node.ip(&format!("maddress show dev {UPLINK}"))?;
        ensure!(group.contains("ff02::1:ff00:100"), "{mode}: {group}");
    }
    Ok(())
}

/// What a client believes of an address is put right without a packet of its own.
#[test]
fn a_node_that_gains_an_address_tells_everybody() -> Result<()> {
    let bed = with_ipv6()?;
    let elsewhere = "02:00:00:00:00:99";
    for address in [GATEWAY, GATEWAY_V6] {
        let known = format!("neigh replace {address} lladdr {elsewhere} dev eth0 nud stale");
        bed.client.ip(&known)?;
    }
    let _daemon = bed.daemon()?;
    let uplink = Some(mac(&bed.node, UPLINK)?);
    wait_until(LIMIT, "the client knows where the addresses are", || {
        let found = [GATEWAY, GATEWAY_V6].map(|a| neighbour(&bed.client, a));
        let [v4, v6] = found;
        Ok(v4? == uplink && v6? == uplink)
    })?;
    Ok(())
}

#[test]
fn whoever_else_claims_the_address_is_named_in_a_condition() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    // The client takes the address, and asks for the node in its name.
    bed.client
        .ip(&format!("address add {GATEWAY}/32 dev eth0"))?;
    let liar = mac(&bed.client, "eth0")?;
    wait_until(LIMIT, "the status names the liar", || {
        bed.client.ip("neigh flush dev eth0")?;
        // Nobody replies to a packet from an address of the node itself.
        drop(bed.client.run("ping", ["-c1", "-W1", "-I", GATEWAY, NODE]));
        let said = daemon.status_text()?;
        Ok(said.contains("AddressConflict") && said.contains(&liar))
    })?;
    let claims = "xdp_gateway_neighbour_packets_total{outcome=\"conflict\",protocol=\"arp\"}";
    ensure!(metric(&daemon, claims)? > 0, "not counted");
    Ok(())
}

/// A server of the node on every address does not answer on a Gateway's.
#[test]
fn ports_without_a_listener_are_refused_and_the_nodes_own_address_is_not_affected() -> Result<()> {
    let mut bed = Bed::new()?;
    bed.serve("node", "serve-tcp --listen 0.0.0.0:7777 --name node")?;
    bed.serve("node", "serve-udp --listen 0.0.0.0:7777 --name node")?;
    let _daemon = bed.daemon()?;
    wait_until(LIMIT, "the node's server answers on its address", || {
        Ok(bed.tcp(&format!("--to {NODE}:7777 --count 1"))?.failed == 0)
    })?;
    let tcp = bed.tcp(&format!("--to {GATEWAY}:7777 --count 1"))?;
    ensure!(
        tcp.failed == 1 && tcp.errors.iter().all(|e| e.contains("refused")),
        "{tcp:?}"
    );
    let udp = bed.udp(&format!("--to {GATEWAY}:7777 --count 1"))?;
    ensure!(
        udp.lost == 1 && udp.errors.iter().all(|e| e.contains("refused")),
        "{udp:?}"
    );
    let own = bed.udp(&format!("--to {NODE}:7777 --count 1"))?;
    ensure!(own.lost == 0, "{own:?}");
    let ping = bed.ping(&format!("--to {GATEWAY} --count 1"))?;
    ensure!(ping.lost == 0, "{ping:?}");
    // The node's own connections are not affected, either way.
    let peer = &gateway_tests::programs::Programs::get()?.peer;
    let out = bed
        .node
        .run(peer, ["tcp", "--to", "10.77.1.2:9000", "--count", "1"])?;
    let out: gateway_tests::report::TcpReport = serde_json::from_str(&out)?;
    ensure!(out.failed == 0, "{out:?}");
    Ok(())
}

/// What an interface of the node has, too, the stack answers for, with all of the node's servers.
#[test]
fn an_address_of_the_node_itself_stays_the_nodes() -> Result<()> {
    let mut bed = Bed::new()?;
    bed.serve("node", "serve-tcp --listen 0.0.0.0:7777 --name node")?;
    bed.config.replace(
        "gateway.yaml",
        &format!("value: {GATEWAY}"),
        &format!("value: {NODE}"),
    )?;
    let daemon = bed.daemon()?;
    let http = bed.http(&format!(
        "--to {NODE}:80 --host hello.example.com --count 1"
    ))?;
    ensure!(http.versions.contains_key("v1"), "{http:?}");
    wait_until(LIMIT, "the node's server answers", || {
        Ok(bed.tcp(&format!("--to {NODE}:7777 --count 1"))?.failed == 0)
    })?;
    let said = daemon.status_text()?;
    ensure!(said.contains("an interface of this node"), "{said}");
    Ok(())
}
