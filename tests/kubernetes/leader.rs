//! One node writes statuses; another takes over.

use anyhow::{Result, ensure};
use gateway_tests::{daemon::Daemon, wait::wait_until};

use super::bed::{Cluster, LIMIT, get, wait_condition};

#[test]
fn only_the_holder_of_the_lease_writes_statuses_but_all_nodes_serve() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let daemon = cluster.daemon()?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;
    ensure!(leads(&daemon)? == Some(true));
    let lease = get(&cluster, "lease xdp-gateway")?;
    ensure!(lease["spec"]["holderIdentity"] == "node", "{lease}");

    let taken = r#"{"spec":{"holderIdentity":"other","leaseDurationSeconds":3600}}"#;
    let patch = format!("patch lease xdp-gateway --type=merge -p {taken}");
    cluster.api.kubectl(&patch)?;
    wait_until(LIMIT, "the node has stopped leading", || {
        Ok(leads(&daemon)? == Some(false))
    })?;
    cluster.set_backend("hello", "web-v2")?;
    cluster.wait_version("hello", Some("v2"))?;
    cluster.set_backend("shop", "missing")?;
    // What that means is in force: the node has seen it.
    wait_until(LIMIT, "the node knows of the missing Service", || {
        Ok(daemon.status()?.to_string().contains("default/missing"))
    })?;
    ensure!(
        !reported(&cluster, "shop")?,
        "written by another than the holder"
    );

    cluster.api.kubectl("delete lease xdp-gateway")?;
    wait_until(LIMIT, "the change is reported", || {
        reported(&cluster, "shop")
    })?;
    ensure!(leads(&daemon)? == Some(true));
    Ok(())
}

#[test]
fn a_successor_goes_on_where_the_leader_was_killed_or_stopped() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let daemon = cluster.daemon()?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;
    daemon.kill()?;
    cluster.set_backend("hello", "missing")?;
    let daemon = cluster.daemon()?;
    wait_until(LIMIT, "the change is reported", || {
        reported(&cluster, "hello")
    })?;

    ensure!(daemon.terminate()?.success());
    let lease = get(&cluster, "lease xdp-gateway")?;
    ensure!(
        lease["spec"]["holderIdentity"] == "",
        "not released: {lease}"
    );
    Ok(())
}

/// Whether the API server has the missing Service in the status of that route.
fn reported(cluster: &Cluster, route: &str) -> Result<bool> {
    let route = get(cluster, &format!("httproute {route}"))?;
    Ok(route["status"].to_string().contains("BackendNotFound"))
}

fn leads(daemon: &Daemon) -> Result<Option<bool>> {
    let metrics = daemon.admin("/metrics")?;
    let line = metrics
        .lines()
        .find(|line| line.starts_with("xdp_gateway_leader "));
    Ok(line.map(|line| line.ends_with(" 1")))
}
