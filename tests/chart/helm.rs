//! Calls helm.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::root;

/// A directory with the programs of Kubernetes.
const TOOLS: &str = "XDP_GATEWAY_TOOLS";
/// Helm asks no cluster here: it has to be told which one to assume.
const KUBERNETES: &str = "--kube-version=1.36.3";

pub(crate) fn chart() -> PathBuf {
    root().join("charts/xdp-gateway")
}

/// All manifests of a release with the values of this file, or what helm has against them.
pub(crate) fn render(values: &Path) -> Result<String, String> {
    let output = helm(
        &[
            "template",
            "xdp-gateway",
            "--namespace=xdp-gateway-system",
            "--include-crds=false",
        ],
        values,
    );
    told(&output).map(|manifests| manifests.trim_start().to_owned())
}

/// What helm finds fault with, as the error.
pub(crate) fn lint(values: &Path) -> Result<String, String> {
    told(&helm(&["lint", "--strict"], values))
}

fn helm(task: &[&str], values: &Path) -> Output {
    let helm = match env::var_os(TOOLS) {
        Some(dir) => Path::new(&dir).join("helm"),
        None => panic!("set {TOOLS} to a directory that holds helm; `cargo xtask` does that"),
    };
    let output = Command::new(&helm)
        .args(task)
        .arg(KUBERNETES)
        .arg(chart())
        .arg("--values")
        .arg(values)
        .output();
    output.unwrap_or_else(|error| panic!("cannot start {}: {error}", helm.display()))
}

fn told(output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stdout) + &text(&output.stderr))
    }
}
