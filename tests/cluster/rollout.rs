//! A rollout behind a Gateway under load: no request fails.

use anyhow::{Result, ensure};

use super::{
    bed::{Cluster, expect_all},
    manifests::{GATEWAY, HTTP_ROUTE, TCP_ROUTE, all, echo},
};

#[test]
fn a_rollout_fails_no_request() -> Result<()> {
    let cluster = Cluster::new("rollout")?;
    cluster.apply(&all(&[&echo(2), GATEWAY, HTTP_ROUTE, TCP_ROUTE]))?;
    let address = cluster.gateway("web")?;
    cluster.rolled_out("deployment/echo")?;
    let (http, tcp) = (
        format!("--to {address}:80 --host app.example.com"),
        // The backends speak HTTP: each new connection carries a request.
        format!("--to {address}:9000 --host any --fresh"),
    );
    cluster.answers(200, &http)?;
    cluster.answers(200, &tcp)?;

    let mut kept = cluster.load("kept", &format!("{http} --connections 4"))?;
    let mut fresh = cluster.load("fresh", &tcp)?;
    kept.goes_on(100)?;
    fresh.goes_on(100)?;
    let before = pods(&cluster)?;
    cluster.kubectl(&["rollout", "restart", "deployment/echo"])?;
    cluster.rolled_out("deployment/echo")?;
    for pod in &before {
        cluster.wait(pod, "delete")?;
    }
    kept.goes_on(200)?;
    fresh.goes_on(200)?;
    let after = pods(&cluster)?;
    ensure!(!after.is_empty() && after.iter().all(|pod| !before.contains(pod)));

    let (kept, fresh) = (kept.finish()?, fresh.finish()?);
    expect_all(&kept, 200)?;
    expect_all(&fresh, 200)
}

/// Names, as `pod/echo-...`.
fn pods(cluster: &Cluster) -> Result<Vec<String>> {
    let names = cluster.kubectl(&["get", "pods", "-l", "app=echo", "-o", "name"])?;
    Ok(names.lines().map(str::to_owned).collect())
}
