//! Finds the official CRDs: they are not part of this repository.

use std::{env, fs, path::PathBuf, process::Command};

use serde_json::Value as Json;

const MODULE: &str = "sigs.k8s.io/gateway-api@v1.6.3";

/// Versions of a kind with their schemas, from the experimental channel, which holds all fields.
pub(crate) fn versions(plural: &str) -> Vec<(String, Json)> {
    let file = format!("experimental/gateway.networking.k8s.io_{plural}.yaml");
    let path = directory().join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "cannot read {}: {error}. Point GATEWAY_API_CRDS at config/crd",
            path.display()
        )
    });
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

/// `config/crd` of Gateway API: `GATEWAY_API_CRDS`, or from the Go module, which `go` downloads.
fn directory() -> PathBuf {
    if let Some(directory) = env::var_os("GATEWAY_API_CRDS") {
        return directory.into();
    }
    let output = Command::new("go")
        .args(["mod", "download", "-json", MODULE])
        .current_dir(env::temp_dir())
        .output();
    let help =
        format!("install Go, or set GATEWAY_API_CRDS to the directory config/crd of {MODULE}");
    let output = output.unwrap_or_else(|error| panic!("cannot run go: {error}: {help}"));
    let module: Json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    match module["Dir"].as_str() {
        Some(module) => PathBuf::from(module).join("config/crd"),
        None => panic!(
            "go mod download failed: {}{}: {help}",
            module["Error"],
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}
