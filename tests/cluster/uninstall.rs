//! `helm uninstall`, which leaves nothing on the nodes.

use std::{fs, net::IpAddr};

use anyhow::Result;
use gateway_tests::wait::wait_until;

use super::{
    bed::{Cluster, LIMIT, SYSTEM},
    manifests::{GATEWAY, HTTP_ROUTE, all, echo},
};

const RELEASE: &str = "xdp-gateway";

#[test]
fn nothing_is_left_of_the_release() -> Result<()> {
    let cluster = Cluster::new("uninstall")?;
    cluster.apply(&all(&[&echo(1), GATEWAY, HTTP_ROUTE]))?;
    let address = cluster.gateway("web")?;
    cluster.rolled_out("deployment/echo")?;
    let request = format!("--to {address}:80 --host app.example.com");
    cluster.answers(200, &request)?;

    let values = cluster.helm(&["get", "values", RELEASE, "--output=yaml"])?;
    let file = cluster.dir.path().join("values.yaml");
    fs::write(&file, values)?;
    cluster.helm(&["uninstall", RELEASE, "--wait", "--timeout=4m"])?;
    let left = wait_until(LIMIT, "nothing of the release is on the nodes", || {
        Ok(left(&cluster, address)?.is_empty())
    });
    let left_over = left.map_err(|error| error.context(left_text(&cluster, address)));
    // Other tests need the chart, whatever was left.
    install(&cluster, &file.display().to_string())?;
    left_over?;
    cluster.answers(200, &request)
}

/// What is still on the nodes: pins, XDP programs, the local route.
fn left(cluster: &Cluster, address: IpAddr) -> Result<String> {
    let script = format!(
        "find /sys/fs/bpf/xdp-gateway 2>/dev/null; ip link show | grep prog/xdp; \
         ip route show table local | grep -w {address}; true"
    );
    cluster.nodes.iter().map(|node| node.run(&script)).collect()
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
