//! `xdp-gateway crds`: brings our own kinds in a cluster to those of this version.
//!
//! Helm installs CRDs with the first release and never looks at them again: the chart runs this
//! before each upgrade.

use anyhow::{Context as _, Result};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{Patch, PatchParams},
};

use super::connect;
use crate::cli;

const FIELD_MANAGER: &str = "xdp-gateway-crds";
/// Every file of the directory.
const CRDS: &[&str] = &[
    include_str!("../../../charts/xdp-gateway/charts/crds/crds/addresspools.yaml"),
    include_str!("../../../charts/xdp-gateway/charts/crds/crds/gatewayparameters.yaml"),
];

/// Applies them by server-side apply. Objects of these kinds are not touched.
///
/// # Errors
/// Where no API server is named, or it refuses.
pub async fn apply() -> Result<()> {
    let (client, server, _) = connect(&cli::Kubernetes::default()).await?;
    let api = Api::<CustomResourceDefinition>::all(client);
    // Helm made them, as another manager of the same fields.
    let params = PatchParams::apply(FIELD_MANAGER).force();
    for text in CRDS {
        let crd = parse(text)?;
        let name = crd["metadata"]["name"].as_str().unwrap_or_default();
        let applied = api.patch(name, &params, &Patch::Apply(&crd)).await;
        applied.with_context(|| format!("the API server at {server} does not take {name}"))?;
        println!("applied {name}");
    }
    Ok(())
}

fn parse(text: &str) -> Result<serde_json::Value> {
    serde_saphyr::from_str(text).context("a CRD of this program is not YAML")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn all_of_the_charts_crds_are_applied() {
        let dir =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/xdp-gateway/charts/crds/crds");
        let files = fs::read_dir(dir).expect("the chart's CRDs");
        let files: BTreeSet<String> = files
            .map(|file| fs::read_to_string(file.expect("an entry").path()).expect("a file"))
            .collect();
        let ours: BTreeSet<String> = CRDS.iter().map(|&text| text.to_owned()).collect();
        assert!(ours == files, "list every file of the directory in CRDS");
        for text in CRDS {
            let crd: CustomResourceDefinition =
                serde_json::from_value(parse(text).expect("YAML")).expect("a CRD");
            assert_eq!(crd.spec.group, "xdp-gateway.dev");
        }
    }
}
