//! Our own kinds in the cluster follow the program.

use anyhow::{Result, ensure};
use gateway_tests::programs::{self, Programs};

use super::bed::Cluster;

const POOLS: &str = "get crd addresspools.xdp-gateway.dev -o jsonpath={.spec.names.shortNames}";

#[test]
fn an_upgrade_changes_kinds_that_are_installed_and_adds_those_that_are_not() -> Result<()> {
    let cluster = Cluster::with(&[])?;
    apply(&cluster)?;
    let new = cluster.api.kubectl(POOLS)?;
    ensure!(!new.is_empty());

    // As another version had it, installed by helm.
    let dir = programs::root()?.join("charts/xdp-gateway/charts/crds/crds");
    cluster.api.kubectl("delete crd --all")?;
    cluster
        .api
        .kubectl(&format!("create -f {}", dir.display()))?;
    cluster.api.kubectl(
        "patch crd addresspools.xdp-gateway.dev --type=merge -p {\"spec\":{\"names\":{\"shortNames\":[\"old\"]}}}",
    )?;
    ensure!(cluster.api.kubectl(POOLS)? == "[\"old\"]");
    apply(&cluster)?;
    ensure!(cluster.api.kubectl(POOLS)? == new);
    Ok(())
}

fn apply(cluster: &Cluster) -> Result<()> {
    let kubeconfig = format!("KUBECONFIG={}", cluster.api.kubeconfig().display());
    let gateway = Programs::get()?.gateway.display().to_string();
    let said = cluster
        .bed
        .node
        .run("env", [&*kubeconfig, &*gateway, "crds"])?;
    ensure!(
        said.contains("applied addresspools.xdp-gateway.dev"),
        "{said}"
    );
    Ok(())
}
