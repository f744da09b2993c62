//! The address of a Gateway on the network, and `helm uninstall`, which leaves nothing on the node.

use std::{fs, net::IpAddr};

use anyhow::{Result, ensure};
use gateway_tests::wait::wait_until;

use super::{
    bed::{Cluster, LIMIT, SYSTEM},
    manifests::{GATEWAY, HTTP_ROUTE, all, echo},
};

const RELEASE: &str = "xdp-gateway";

#[test]
fn addresses_are_the_nodes_and_go_with_the_release() -> Result<()> {
    let cluster = Cluster::new("uninstall")?;
    cluster.apply(&all(&[&echo(1), GATEWAY, HTTP_ROUTE]))?;
    let address = cluster.gateway("web")?;
    cluster.rolled_out("deployment/echo")?;
    let request = format!("--to {address}:80 --host app.example.com");
    cluster.answers(200, &request)?;
    expect_neighbour(&cluster, address, &request)?;

    let values = cluster.helm(&["get", "values", RELEASE, "--output=yaml"])?;
    let file = cluster.dir.path().join("values.yaml");
    fs::write(&file, values)?;
    cluster.helm(&["uninstall", RELEASE, "--wait", "--timeout=4m"])?;
    let left = wait_until(LIMIT, "nothing of the release is on the node", || {
        Ok(left(&cluster, address)?.is_empty())
    });
    let left_over = left.map_err(|error| error.context(left_text(&cluster, address)));
    // Other tests need the chart, whatever was left.
    install(&cluster, &file.display().to_string())?;
    left_over?;
    cluster.answers(200, &request)
}

/// A new ARP request for the address is answered with the node's MAC.
fn expect_neighbour(cluster: &Cluster, address: IpAddr, request: &str) -> Result<()> {
    let link = cluster.node.ip("-j link show eth0")?;
    let link: serde_json::Value = serde_json::from_str(&link)?;
    let mac = link[0]["address"].as_str().unwrap_or_default().to_owned();
    cluster.client.ip(&format!("neigh flush to {address}"))?;
    cluster.answers(200, request)?;
    let neighbour = cluster.client.ip(&format!("neigh show to {address}"))?;
    ensure!(
        !mac.is_empty() && neighbour.contains(&mac),
        "{mac} is not in {neighbour}"
    );
    Ok(())
}

/// What is still on the node: pins, XDP programs, the local route.
fn left(cluster: &Cluster, address: IpAddr) -> Result<String> {
    cluster.on_node(&format!(
        "find /sys/fs/bpf/xdp-gateway 2>/dev/null; ip link show | grep prog/xdp; \
         ip route show table local | grep -w {address}; true"
    ))
}

fn left_text(cluster: &Cluster, address: IpAddr) -> String {
    left(cluster, address).unwrap_or_else(|error| format!("{error:#}"))
}

fn install(cluster: &Cluster, values: &str) -> Result<()> {
    let chart = gateway_tests::programs::root()?.join("charts/xdp-gateway");
    let chart = chart.display().to_string();
    cluster.helm(&[
        "install",
        RELEASE,
        &chart,
        "--values",
        values,
        "--wait",
        "--timeout=4m",
    ])?;
    let system = format!("--namespace={SYSTEM}");
    let status = [
        "rollout",
        "status",
        &system,
        "daemonset/xdp-gateway",
        "--timeout=240s",
    ];
    cluster.kubectl(&status).map(drop)
}
