//! The gateway's own pod goes and comes: connections through the kernel stay.

use anyhow::{Result, ensure};

use super::{
    bed::{Cluster, SYSTEM, expect_all},
    manifests::{GATEWAY, HTTP_ROUTE, TCP_ROUTE, all, echo},
};

#[test]
fn tcp_outlives_the_gateways_pod() -> Result<()> {
    let cluster = Cluster::new("pods")?;
    // Where it runs on several, the address would move meanwhile.
    let _alone = cluster.alone()?;
    cluster.apply(&all(&[&echo(2), GATEWAY, HTTP_ROUTE, TCP_ROUTE]))?;
    let address = cluster.gateway("web")?;
    cluster.rolled_out("deployment/echo")?;
    cluster.answers(200, &format!("--to {address}:9000 --host any"))?;
    let tcp = format!("--to {address}:9000 --host any");
    let mut kept = cluster.load("kept", &format!("{tcp} --connections 2"))?;
    let mut fresh = cluster.load("fresh", &format!("{tcp} --fresh"))?;
    kept.goes_on(100)?;
    fresh.goes_on(100)?;

    let label = "app.kubernetes.io/component=gateway";
    let system = format!("--namespace={SYSTEM}");
    cluster.kubectl(&["delete", "pods", &system, "-l", label])?;
    cluster.gateway_rolled_out()?;
    kept.goes_on(200)?;
    fresh.goes_on(200)?;

    let (kept, fresh) = (kept.finish()?, fresh.finish()?);
    expect_all(&kept, 200)?;
    ensure!(kept.connections == 2, "{} connections", kept.connections);
    expect_all(&fresh, 200)?;
    cluster.answers(200, &format!("--to {address}:80 --host app.example.com"))
}
