//! Finds the official Gateway API, which is not part of this repository.

use std::{env, fs, path::PathBuf, process::Command, sync::LazyLock};

use serde_json::Value as Json;

const MODULE: &str = "sigs.k8s.io/gateway-api@v1.6.3";

pub(crate) const HELP: &str =
    "Install Go, or set GATEWAY_API to a checkout of Gateway API v1.6.3 (kubernetes-sigs)";

/// Versions of a kind with their schemas, from the experimental channel, which holds all fields.
pub(crate) fn schemas(plural: &str) -> Vec<(String, Json)> {
    let file = format!("config/crd/experimental/gateway.networking.k8s.io_{plural}.yaml");
    let path = directory().join(file);
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}. {HELP}", path.display()));
    let crd: Json = serde_saphyr::from_str(&text).expect("a CRD in YAML");
    let versions = crd["spec"]["versions"].as_array().expect("spec.versions");
    let parts = versions.iter().map(|version| {
        let name = version["name"]
            .as_str()
            .expect("a version's name")
            .to_owned();
        (name, version["schema"]["openAPIV3Schema"].clone())
    });
    parts.collect()
}

/// Root of the module: `GATEWAY_API`, or where `go` downloads it to.
pub(crate) fn directory() -> PathBuf {
    static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(find);
    DIRECTORY.clone()
}

fn find() -> PathBuf {
    if let Some(directory) = env::var_os("GATEWAY_API") {
        return directory.into();
    }
    // Outside of any Go module.
    let mut go = Command::new("go");
    go.args(["mod", "download", "-json", MODULE])
        .current_dir(env::temp_dir());
    let output = go
        .output()
        .unwrap_or_else(|error| panic!("cannot run go: {error}. {HELP}"));
    let module: Json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    match module["Dir"].as_str() {
        Some(directory) => directory.into(),
        None => panic!(
            "go mod download failed: {}{}. {HELP}",
            module["Error"],
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}
