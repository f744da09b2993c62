//! What takes two nodes: who answers for an address, backends on the other node, a node that is
//! lost, and another leader.

use std::{collections::BTreeSet, net::IpAddr};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::wait::wait_until;

use super::{
    bed::{Cluster, LIMIT, Node, SYSTEM, authority},
    manifests::{GATEWAY, HTTP_ROUTE, all, echo, echo_on},
};

/// Enough for each node to own some of their addresses: who owns which never changes.
const GATEWAYS: [&str; 4] = ["a", "b", "c", "d"];

#[test]
fn each_address_is_one_nodes_and_backends_on_both_are_reached() -> Result<()> {
    let cluster = Cluster::new("nodes")?;
    let (near, far) = (&cluster.nodes[0].name, &cluster.nodes[1].name);
    cluster.apply(&all(&[&echo_on(near), &echo_on(far)]))?;
    for name in GATEWAYS {
        cluster.apply(&all(&[
            &gateway(name),
            &http_route(name, &[near, far]),
            &tcp_route(name, near),
            &tcp_route(name, far),
        ]))?;
    }
    for node in [near, far] {
        cluster.rolled_out(&format!("deployment/echo-{node}"))?;
    }
    let mut owners = BTreeSet::new();
    for name in GATEWAYS {
        let addresses = addresses(&cluster, name)?;
        ensure!(addresses.len() == 2, "one of each family: {addresses:?}");
        for address in addresses {
            let owner = cluster.owner(address)?;
            owners.insert(owner.name.as_str());
            cluster.answers(200, &http(address))?;
            // Pods have no IPv6 here.
            for (port, node) in [(9000, near), (9001, far)] {
                if address.is_ipv4() {
                    expect_pod(&cluster, &authority(address, port), node)?;
                }
            }
            let now = cluster.neighbour(address)?.map(|node| &node.name);
            ensure!(now == Some(&owner.name), "two answer for {address}");
        }
    }
    ensure!(owners.len() == 2, "all belong to {owners:?}");
    Ok(())
}

/// The node of the pod has a connection from the client itself.
#[test]
fn a_pod_on_another_node_sees_the_client_by_dsr() -> Result<()> {
    let cluster = Cluster::new("dsr")?;
    let names = cluster.nodes.iter().map(|node| node.name.as_str());
    for node in names {
        cluster.apply(&all(&[&echo_on(node), &tcp_route("a", node)]))?;
        cluster.rolled_out(&format!("deployment/echo-{node}"))?;
    }
    let infrastructure = "infrastructure: {parametersRef: {group: xdp-gateway.dev, kind: \
                          GatewayParameters, name: direct}}";
    let class = "gatewayClassName: xdp-gateway";
    let gateway = gateway("a").replace(class, &format!("{class}\n  {infrastructure}"));
    cluster.apply(&all(&[DIRECT, &gateway]))?;
    let addresses = addresses(&cluster, "a")?;
    let address = *addresses.iter().find(|a| a.is_ipv4()).context("no IPv4")?;
    let owner = cluster.owner(address)?.name.clone();
    let counts = || -> Result<Vec<f64>> {
        let of = |way| format!("xdp_gateway_l4_dsr_packets_total{{direction=\"{way}\"}}");
        ["sent", "received"]
            .map(|way| cluster.metric(&of(way)))
            .into_iter()
            .collect()
    };
    let before = counts()?;
    for (port, node) in [(9000, &cluster.nodes[0]), (9001, &cluster.nodes[1])] {
        expect_pod(&cluster, &authority(address, port), &node.name)?;
        let seen = node.run("conntrack -L -p tcp --orig-port-dst 3000 2>/dev/null")?;
        let client = format!("src={} ", cluster.client_address);
        ensure!(
            seen.contains(&client),
            "{}, {owner} owns: {seen}",
            node.name
        );
    }
    let after = counts()?;
    ensure!(
        before
            .iter()
            .zip(&after)
            .all(|(before, after)| after > before),
        "{before:?} {after:?}"
    );
    Ok(())
}

#[test]
fn addresses_of_a_lost_node_move_and_come_back() -> Result<()> {
    let cluster = Cluster::new("lost")?;
    let (stays, lost) = (&cluster.nodes[0], &cluster.nodes[1]);
    cluster.apply(&echo_on(&stays.name))?;
    for name in GATEWAYS {
        cluster.apply(&all(&[&gateway(name), &http_route(name, &[&stays.name])]))?;
    }
    cluster.rolled_out(&format!("deployment/echo-{}", stays.name))?;
    let mut moving = Vec::new();
    for name in GATEWAYS {
        for address in addresses(&cluster, name)? {
            if cluster.owner(address)?.name == lost.name {
                moving.push(address);
            }
        }
    }
    ensure!(!moving.is_empty(), "{} owns nothing", lost.name);
    {
        let _cut = Cut::new(&cluster, lost)?;
        for address in &moving {
            expect_owner(&cluster, *address, stays)?;
        }
    }
    for address in &moving {
        expect_owner(&cluster, *address, lost)?;
    }
    Ok(())
}

#[test]
fn another_node_leads_when_the_leaders_pod_goes() -> Result<()> {
    let cluster = Cluster::new("leader")?;
    cluster.apply(&all(&[&echo(1), GATEWAY]))?;
    cluster.gateway("web")?;
    let leader = holder(&cluster)?;
    let system = format!("--namespace={SYSTEM}");
    cluster.kubectl(&["delete", "pod", &leader, &system])?;
    wait_until(LIMIT, "another pod leads", || {
        let now = holder(&cluster)?;
        Ok(!now.is_empty() && now != leader)
    })?;
    cluster.apply(HTTP_ROUTE)?;
    let accepted = "jsonpath={.status.parents[0].conditions[?(@.type==\"Accepted\")].status}=True";
    cluster.wait("httproute/app", accepted)?;
    cluster.gateway_rolled_out()
}

/// Parameters of a Gateway.
const DIRECT: &str = "
apiVersion: xdp-gateway.dev/v1alpha1
kind: GatewayParameters
metadata: {name: direct}
spec: {l4: {mode: DSR}}
";

/// A node without its cable.
struct Cut<'a> {
    cluster: &'a Cluster,
    port: &'a str,
}

impl<'a> Cut<'a> {
    fn new(cluster: &'a Cluster, node: &'a Node) -> Result<Self> {
        let port = &node.name;
        cluster.lan.ip(&format!("link set {port} down"))?;
        Ok(Self { cluster, port })
    }
}

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        let plug = format!("link set {} up", self.port);
        if let Err(error) = self.cluster.lan.ip(&plug) {
            eprintln!("{error:#}");
        }
    }
}

/// Waits until requests are answered, by this node.
fn expect_owner(cluster: &Cluster, address: IpAddr, node: &Node) -> Result<()> {
    let what = format!("{} answers for {address}", node.name);
    wait_until(LIMIT, &what, || {
        let report = cluster.http(&format!("--count 1 {}", http(address)))?;
        let owner = cluster.neighbour(address)?;
        let moved = owner.is_some_and(|owner| owner.name == node.name);
        Ok(moved && report.statuses.contains_key(&200))
    })
    .map(drop)
}

/// Connections to this listener end in the pod on that node.
fn expect_pod(cluster: &Cluster, to: &str, node: &str) -> Result<()> {
    let request = format!("--to {to} --host any");
    cluster.answers(200, &request)?;
    let report = cluster.http(&format!("--count 5 --fresh {request}"))?;
    ensure!(report.statuses.get(&200) == Some(&5), "{to}: {report:?}");
    let body = report.last.context("no answer")?.body;
    ensure!(body.contains(&format!("echo-{node}-")), "{to}: {body}");
    Ok(())
}

/// The name of the pod that leads.
fn holder(cluster: &Cluster) -> Result<String> {
    let system = format!("--namespace={SYSTEM}");
    let holder = "jsonpath={.spec.holderIdentity}";
    cluster.kubectl(&["get", "lease", "xdp-gateway", &system, "-o", holder])
}

fn addresses(cluster: &Cluster, gateway: &str) -> Result<Vec<IpAddr>> {
    cluster.gateway(gateway)?;
    let gateway = cluster.get(&format!("gateway/{gateway}"))?;
    let all = gateway["status"]["addresses"].as_array();
    let all = all.context("no addresses")?.iter();
    all.map(|address| Ok(address["value"].as_str().unwrap_or_default().parse()?))
        .collect()
}

fn http(address: IpAddr) -> String {
    format!("--to {} --host app.example.com", authority(address, 80))
}

/// HTTP at port 80, TCP at 9000 for the first node's pod and at 9001 for the other's.
fn gateway(name: &str) -> String {
    let listeners = GATEWAY.replace("name: web", &format!("name: {name}"));
    format!(
        "{}  - {{name: node0, port: 9000, protocol: TCP}}
  - {{name: node1, port: 9001, protocol: TCP}}
",
        listeners.replace("  - {name: tcp, port: 9000, protocol: TCP}\n", "")
    )
}

fn http_route(gateway: &str, nodes: &[&str]) -> String {
    let backends = nodes
        .iter()
        .map(|node| format!("{{name: echo-{node}, port: 80}}"));
    HTTP_ROUTE
        .replace("name: app", &format!("name: {gateway}"))
        .replace("name: web", &format!("name: {gateway}"))
        .replace(
            "{name: echo, port: 80}",
            &backends.collect::<Vec<_>>().join(", "),
        )
}

/// Of the listener that is named after the node.
fn tcp_route(gateway: &str, node: &str) -> String {
    format!(
        "
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: {{name: {gateway}-{node}}}
spec:
  parentRefs: [{{name: {gateway}, sectionName: {node}}}]
  rules:
  - backendRefs: [{{name: echo-{node}, port: 80}}]
"
    )
}
