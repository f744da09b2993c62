//! One node writes statuses; another takes over.

use anyhow::{Result, ensure};
use gateway_tests::{daemon::Daemon, wait::wait_until};

use super::bed::{Cluster, LIMIT, get, wait_condition};

#[test]
fn statuses_are_written_by_the_holder_of_the_lease_only() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    cluster.api.apply(
        "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: xdp-gateway, \
         namespace: default}, spec: {holderIdentity: other, leaseDurationSeconds: 3600}}",
    )?;
    let daemon = cluster.daemon()?;
    ensure!(
        cluster.version("hello")?.as_deref() == Some("v1"),
        "traffic needs no leader"
    );
    ensure!(leads(&daemon)? == Some(false));
    let status = get(&cluster, "httproute hello")?["status"].clone();
    ensure!(status.is_null(), "{status}");

    cluster.api.kubectl("delete lease xdp-gateway")?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;
    ensure!(leads(&daemon)? == Some(true));
    let lease = get(&cluster, "lease xdp-gateway")?;
    ensure!(lease["spec"]["holderIdentity"] == "node", "{lease}");

    let taken = r#"{"spec":{"holderIdentity":"other","leaseDurationSeconds":3600}}"#;
    cluster
        .api
        .kubectl(&format!("patch lease xdp-gateway --type=merge -p {taken}"))?;
    wait_until(LIMIT, "the node has stopped leading", || {
        Ok(leads(&daemon)? == Some(false))
    })?;
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
        let status = get(&cluster, "httproute hello")?["status"].to_string();
        Ok(status.contains("BackendNotFound"))
    })?;

    ensure!(daemon.terminate()?.success());
    let lease = get(&cluster, "lease xdp-gateway")?;
    ensure!(
        lease["spec"]["holderIdentity"] == "",
        "not released: {lease}"
    );
    Ok(())
}

fn leads(daemon: &Daemon) -> Result<Option<bool>> {
    let metrics = daemon.admin("/metrics")?;
    let line = metrics
        .lines()
        .find(|line| line.starts_with("xdp_gateway_leader "));
    Ok(line.map(|line| line.ends_with(" 1")))
}
