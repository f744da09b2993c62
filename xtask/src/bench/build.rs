//! The programs that are measured, or measure.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{process::Job, workspace};

const LIMIT: Duration = Duration::from_secs(3600);

/// Builds these programs, optimised, the gateway among them. Where the programs of a wire are, which are
/// built with the gateway's own.
pub(super) fn release(programs: &[&str]) -> Result<PathBuf> {
    println!("build");
    let programs = programs.iter().flat_map(|program| ["--bin", program]);
    let mut found = None;
    Job::new("the build", "cargo", LIMIT)
        .args(["build", "--locked", "--release"])
        .arg("--message-format=json-render-diagnostics")
        .args(programs)
        .dir(&workspace::root())
        .lines(&mut |line| found = output_of_build_script(line).or(found.take()))?;
    let found = found.context("cargo did not say where it built the BPF programs")?;
    Ok(found.join("wire"))
}

/// Where cargo says that the gateway's build script has its output.
fn output_of_build_script(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let package = message["package_id"].as_str()?;
    let ours = message["reason"] == "build-script-executed" && package.contains("/gateway-user#");
    message["out_dir"]
        .as_str()
        .filter(|_| ours)
        .map(PathBuf::from)
}

pub(super) fn gateway() -> PathBuf {
    workspace::root().join("target/release/xdp-gateway")
}

/// Servers and clients of the bed.
pub(super) fn peer() -> PathBuf {
    workspace::root().join("target/release/peer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_is_that_of_the_gateways_build_script() {
        let said = |reason: &str, package: &str| {
            let package = format!("path+file:///src/{package}#0.1.0");
            format!(r#"{{"reason":"{reason}","package_id":"{package}","out_dir":"/out"}}"#)
        };
        let of = |reason, package| output_of_build_script(&said(reason, package));
        assert_eq!(
            of("build-script-executed", "gateway-user"),
            Some("/out".into())
        );
        assert_eq!(of("build-script-executed", "gateway-user/core"), None);
        assert_eq!(of("compiler-artifact", "gateway-user"), None);
        assert_eq!(output_of_build_script("Compiling"), None);
    }
}
