//! The end of a pod leaves the data path; the end of its DaemonSet leaves nothing.

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    daemon::Daemon,
    wait::wait_until,
};

use super::bed::{Cluster, LIMIT};

const NAME: &str = "xdp-gateway";
/// No controller runs here: it is never made into pods, nor are they ended with it.
const DAEMONSET: &str = "
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: xdp-gateway, namespace: default}
spec:
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec: {containers: [{name: gateway, image: x}]}
";

#[test]
fn a_pod_that_is_replaced_leaves_its_data_path() -> Result<()> {
    let cluster = with_daemonset()?;
    let daemon = cluster.daemon_of(NAME)?;
    daemon.terminate()?;
    ensure!(cluster.bed.net.pins().exists());
    let tcp = cluster
        .bed
        .tcp(&format!("--to {GATEWAY}:9000 --count 10"))?;
    ensure!(tcp.failed == 0, "{tcp:?}");
    Ok(())
}

/// By the time that the pod is told to end, its service account is deleted as well, or the API
/// server may be away: nothing is asked then.
#[test]
fn the_end_of_the_daemonset_is_that_of_the_data_path() -> Result<()> {
    let mut cluster = with_daemonset()?;
    let daemon = cluster.daemon_of(NAME)?;
    cluster
        .api
        .kubectl("delete daemonset xdp-gateway --wait=false")?;
    wait_for_log(&daemon, "is deleted")?;
    let tcp = cluster
        .bed
        .tcp(&format!("--to {GATEWAY}:9000 --count 10"))?;
    ensure!(tcp.failed == 0, "still running: {tcp:?}");
    cluster.api.stop()?;
    let status = daemon.terminate()?;
    ensure!(status.success(), "{status}");
    nothing_is_left(&cluster.bed)
}

/// Deleted in the foreground, it stays until its pods are gone.
#[test]
fn a_daemonset_that_waits_for_its_pods_is_deleted_too() -> Result<()> {
    let cluster = with_daemonset()?;
    let daemon = cluster.daemon_of(NAME)?;
    cluster
        .api
        .kubectl("delete daemonset xdp-gateway --cascade=foreground --wait=false")?;
    cluster.api.kubectl("get daemonset xdp-gateway")?;
    wait_for_log(&daemon, "is deleted")?;
    daemon.terminate()?;
    nothing_is_left(&cluster.bed)
}

fn with_daemonset() -> Result<Cluster> {
    let cluster = Cluster::with_demo()?;
    cluster.api.apply(DAEMONSET)?;
    Ok(cluster)
}

fn wait_for_log(daemon: &Daemon, line: &str) -> Result<()> {
    let logged = wait_until(LIMIT, line, || Ok(daemon.log().contains(line)));
    logged.map(drop).with_context(|| daemon.log())
}

fn nothing_is_left(bed: &Bed) -> Result<()> {
    ensure!(!bed.net.pins().exists(), "pins are left");
    let routes = bed.node.ip("route show table local")?;
    ensure!(!routes.contains(GATEWAY), "{routes}");
    let programs = bed.node.run("bpftool", ["net", "show"])?;
    ensure!(!programs.contains("xdpgw"), "{programs}");
    Ok(())
}
