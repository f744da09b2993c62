//! Dependencies between the crates, as cargo sees them: the arrows that a `use` cannot show.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Finding;
use crate::{cache::Cache, process::Job};

const ASK: Duration = Duration::from_secs(60);

enum Rule {
    /// These and nothing else.
    Only(&'static [&'static str]),
    /// Anything but what starts so.
    Not(&'static [&'static str]),
}

/// For ordinary and build dependencies; tests may use what they like.
const RULES: &[(&str, Rule)] = &[
    // Optional, for user space: the traits of aya that make types values of maps.
    ("gateway-common", Rule::Only(&["aya"])),
    (
        "gateway-ebpf",
        Rule::Only(&["gateway-common", "aya-ebpf", "aya-log-ebpf", "aya-build"]),
    ),
    (
        "gateway-core",
        Rule::Not(&[
            "aya",
            "axum",
            "gateway-user",
            "hyper",
            "kube-client",
            "kube-runtime",
            "notify",
            "rtnetlink",
            "rustix",
            "tokio",
        ]),
    ),
    ("gateway-user", Rule::Not(&["gateway-tests", "xtask"])),
];

pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let text = Job::new("cargo metadata", "cargo", ASK)
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .dir(root)
        .capture(&Cache::open()?.log("tidy"))?;
    let metadata = serde_json::from_str(&text).context("cargo metadata")?;
    Ok(forbidden(&metadata))
}

fn forbidden(metadata: &Value) -> Vec<Finding> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let found = packages.flat_map(|package| {
        let name = package["name"].as_str().unwrap_or_default();
        let rule = RULES
            .iter()
            .find(|(crate_name, _)| *crate_name == name)
            .map(|(_, rule)| rule);
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        let product = dependencies.filter(|d| d["kind"].as_str() != Some("dev"));
        let names = product.filter_map(|d| d["name"].as_str());
        names
            .filter(move |d| rule.is_some_and(|rule| !rule.allows(d)))
            .map(move |d| Finding {
                file: name.into(),
                line: 0,
                advice: format!("may not depend on {d}: its layer knows nothing of it"),
            })
    });
    found.collect()
}

impl Rule {
    fn allows(&self, dependency: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(&dependency),
            Self::Not(names) => !names.iter().any(|name| {
                let rest = dependency.strip_prefix(name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(package: &str, dependency: &str, kind: Option<&str>) -> usize {
        let dependencies = [json!({"name": dependency, "kind": kind})];
        let metadata = json!({"packages": [{"name": package, "dependencies": dependencies}]});
        forbidden(&metadata).len()
    }

    #[test]
    fn dependencies_follow_the_arrows() {
        assert_eq!(found("gateway-common", "libc", None), 1);
        assert_eq!(found("gateway-common", "libc", Some("dev")), 0);
        assert_eq!(found("gateway-ebpf", "gateway-core", None), 1);
        assert_eq!(found("gateway-ebpf", "gateway-common", None), 0);
        assert_eq!(found("gateway-core", "hyper-util", None), 1);
        assert_eq!(found("gateway-core", "tokio", Some("build")), 1);
        assert_eq!(found("gateway-core", "kube-core", None), 0);
        assert_eq!(found("gateway-core", "gateway-common", None), 0);
        assert_eq!(found("gateway-user", "tokio", None), 0);
    }
}
