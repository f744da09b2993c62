//! The test targets that need Kubernetes, as cargo knows them.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::{cache::Cache, process::Job, workspace};

pub(super) const PACKAGE: &str = "gateway-tests";
pub(super) const FEATURE: &str = "kubernetes";
const ASK: Duration = Duration::from_secs(60);

/// Their names; none is an error.
pub(super) fn find() -> Result<Vec<String>> {
    let metadata = Job::new("asking cargo for the targets", "cargo", ASK)
        .args(["metadata", "--locked", "--no-deps", "--format-version=1"])
        .dir(&workspace::root())
        .capture(&Cache::open()?.log("metadata"))?;
    let found = read(&serde_json::from_str(&metadata)?);
    ensure!(
        !found.is_empty(),
        "no test target of {PACKAGE} has required-features = [\"{FEATURE}\"]"
    );
    Ok(found)
}

/// From what `cargo metadata` prints.
fn read(metadata: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages = list(&metadata["packages"]).into_iter();
    let ours = packages.filter(|package| package["name"] == PACKAGE);
    let needs = |target: &Value| {
        let features = list(&target["required-features"]);
        features.iter().any(|feature| feature == FEATURE)
    };
    let found = ours.flat_map(|package| list(&package["targets"]));
    let found = found.filter(|target| target["kind"] == serde_json::json!(["test"]));
    let found = found.filter(needs);
    found
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_test_targets_that_ask_for_the_feature_are_found() {
        let target = |name: &str, kind: &str, features: &[&str]| json!({"name": name, "kind": [kind], "required-features": features});
        let targets = [
            target("cluster", "test", &["kubernetes"]),
            target("packets", "test", &[]),
            target("kernel", "bench", &["kubernetes"]),
            json!({"name": "netns", "kind": ["test"]}),
        ];
        let metadata = json!({"packages": [
            {"name": "xtask", "targets": [target("other", "test", &["kubernetes"])]},
            {"name": PACKAGE, "targets": targets},
        ]});
        assert_eq!(read(&metadata), ["cluster"]);
    }

    #[test]
    fn what_cargo_prints_is_understood() {
        let found = find().expect("targets");
        assert!(found.contains(&"kubernetes".to_owned()), "{found:?}");
    }
}
