//! The official suite, compiled as it is, and the command line it is run with.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::{cache::Cache, process::Job, workspace};

/// As in xtask/go/gateway-api/go.mod, which go.sum beside it pins down to the byte.
pub(super) const VERSION: &str = "v1.6.3";
const MODULE: &str = "xtask/go/gateway-api";
const PACKAGE: &str = "sigs.k8s.io/gateway-api/conformance";
const BUILD: Duration = Duration::from_secs(1800);

/// The GatewayClass that the chart makes.
const CLASS: &str = "xdp-gateway";

/// The one with tests of TLS passthrough.
pub(super) const TLS: &str = "GATEWAY-TLS";

pub(super) const PROFILES: [&str; 5] = [
    "GATEWAY-HTTP",
    "GATEWAY-GRPC",
    TLS,
    "GATEWAY-TCP",
    "GATEWAY-UDP",
];

/// What of the suite to run.
pub(super) struct Selection<'a> {
    pub(super) profiles: &'a [String],
    pub(super) test: Option<&'a str>,
    /// An address that a pool holds, and one that no pool holds.
    pub(super) usable: &'a str,
    pub(super) unusable: &'a str,
    pub(super) debug: bool,
}

/// The test binary, from the cache or built into it.
pub(super) fn build(cache: &Cache) -> Result<PathBuf> {
    let binary = cache.path(&format!("conformance-{VERSION}/conformance.test"));
    if binary.exists() {
        return Ok(binary);
    }
    println!("  building the suite {VERSION} (a minute or two)");
    let parent = binary.parent().context("the cache has directories")?;
    fs::create_dir_all(parent)?;
    let unfinished = parent.join("unfinished");
    Job::new("building the conformance suite", "go", BUILD)
        .args(["test", "-c", "-trimpath", "-o"])
        .arg(&unfinished)
        .arg(PACKAGE)
        .env("GOFLAGS", "-mod=readonly")
        .dir(&workspace::root().join(MODULE))
        .log(&cache.log("conformance-build"))?;
    fs::rename(&unfinished, &binary)?;
    Ok(binary)
}

/// Arguments of the test binary; the report is written only where the whole suite runs.
pub(super) fn arguments(selection: &Selection, report: Option<&Path>) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "-test.v",
        "-test.run=^TestConformance$",
        "-test.timeout=50m",
        &format!("-gateway-class={CLASS}"),
        &format!("-conformance-profiles={}", selection.profiles.join(",")),
        &format!("-usable-address={}", selection.usable),
        &format!("-unusable-address={}", selection.unusable),
        "-cleanup-base-resources=false",
    ]
    .map(str::to_owned)
    .into();
    if let Some(test) = selection.test {
        arguments.push(format!("-run-test={test}"));
    }
    if selection.debug {
        arguments.push("-debug".to_owned());
    }
    if let Some(report) = report {
        arguments.extend(
            [
                &format!("-report-output={}", report.display()),
                "-organization=xdp-gateway",
                "-project=xdp-gateway",
                "-url=https://xdp-gateway.dev",
                concat!("-version=v", env!("CARGO_PKG_VERSION")),
                "-mode=default",
                "-contact=@xdp-gateway/maintainers",
            ]
            .map(str::to_owned),
        );
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_go_pins() {
        let go_mod = workspace::root().join(MODULE).join("go.mod");
        let text = fs::read_to_string(go_mod).expect("go.mod");
        assert!(text.contains(&format!("{PACKAGE} {VERSION}")), "{text}");
    }

    #[test]
    fn a_report_names_us_and_a_single_test_is_passed_on() {
        let profiles = ["GATEWAY-TCP".to_owned()];
        let mut selection = Selection {
            profiles: &profiles,
            test: None,
            usable: "10.0.0.1",
            unusable: "10.0.0.2",
            debug: false,
        };
        let whole = arguments(&selection, Some(Path::new("r.yaml")));
        assert!(whole.contains(&"-report-output=r.yaml".to_owned()));
        assert!(whole.contains(&"-project=xdp-gateway".to_owned()));
        assert!(whole.contains(&"-conformance-profiles=GATEWAY-TCP".to_owned()));
        selection.test = Some("HTTPRouteWeight");
        let one = arguments(&selection, None);
        assert!(one.contains(&"-run-test=HTTPRouteWeight".to_owned()));
        assert!(one.iter().all(|a| !a.contains("project")));
    }
}
