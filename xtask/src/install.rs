//! The chart, installed with helm on the cluster of `cargo xtask cluster`.

use std::{fs, time::Duration};

use anyhow::Result;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{cluster::Cluster, image, workspace};

/// Namespace and release.
pub(crate) const NAMESPACE: &str = "xdp-gateway-system";
const RELEASE: &str = "xdp-gateway";
/// What Gateways may ask for, and what they may not: it is in no pool.
pub(crate) const POOL: [&str; 2] = ["172.29.0.100-172.29.0.199", "fd29::1:0/112"];
pub(crate) const USABLE: &str = "172.29.0.150";
pub(crate) const UNUSABLE: &str = "172.29.0.250";
const INSTALL: Duration = Duration::from_secs(300);

/// Builds the image and installs the chart of this clone, or upgrades what is installed; returns
/// when every node serves.
pub(crate) fn install(cluster: &Cluster) -> Result<()> {
    println!("image");
    let archive = image::build(None)?;
    cluster.load(&archive)?;
    println!("chart");
    // The tag is the same for every build of a version: this is what makes new pods of a new image.
    let digest = Sha256::digest(fs::read(&archive)?);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let chart = workspace::root().join("charts/xdp-gateway");
    cluster
        .job("helm upgrade --install", "helm", INSTALL)
        .args(["upgrade", "--install", RELEASE])
        .arg(chart)
        .args(["--namespace", NAMESPACE, "--create-namespace", "--wait"])
        .args(["--timeout", "4m"])
        .arg("--set-json")
        .arg(format!("pools={}", json!({"default": {"addresses": POOL}})))
        .args(["--set-string", &format!("podAnnotations.image={digest}")])
        .show()?;
    // Helm is content with a DaemonSet of which no more pods are missing than may be replaced at
    // once: with one node, that is all of them.
    let pods = "daemonset/xdp-gateway";
    cluster.kubectl(&[
        "--namespace",
        NAMESPACE,
        "rollout",
        "status",
        pods,
        "--timeout=110s",
    ])?;
    Ok(())
}
