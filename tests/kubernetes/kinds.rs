//! Kinds that are missing, and objects that cannot be read.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{apiserver::crd, bed::GATEWAY, wait::wait_until};

use super::bed::{Cluster, KINDS, LIMIT, demo, wait_log};

#[test]
fn a_crd_that_is_installed_later_is_picked_up() -> Result<()> {
    let present: Vec<_> = KINDS.into_iter().filter(|k| *k != "udproutes").collect();
    let cluster = Cluster::with_pool(&present)?;
    for entry in fs::read_dir(demo()?)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name != "udp.yaml") {
            cluster.api.apply_path(&path)?;
        }
    }
    let daemon = cluster.daemon()?;
    ensure!(cluster.version("hello")?.as_deref() == Some("v1"));
    let missing = || -> Result<bool> {
        let status = daemon.status()?;
        let missing = status["source"]["notInstalled"]
            .as_array()
            .context("a list of kinds")?;
        Ok(missing.iter().any(|kind| kind == "UDPRoute"))
    };
    ensure!(missing()?, "{:#}", daemon.status()?);

    cluster.api.install(&["udproutes"])?;
    cluster.api.apply_path(&demo()?.join("udp.yaml"))?;
    wait_until(LIMIT, "the UDPRoute is served", || {
        let query = format!("--to {GATEWAY}:53 --count 1");
        Ok(cluster.bed.udp(&query)?.lost == 0)
    })?;
    ensure!(!missing()?, "{:#}", daemon.status()?);
    Ok(())
}

#[test]
fn an_object_that_cannot_be_read_affects_only_itself() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let daemon = cluster.daemon()?;
    cluster.wait_version("hello", Some("v1"))?;

    // A CRD without a schema, as a broken installation has it, takes anything.
    let text = fs::read_to_string(crd("httproutes")?)?;
    let mut crd: serde_json::Value = serde_saphyr::from_str(&text)?;
    for version in crd["spec"]["versions"].as_array_mut().context("versions")? {
        version["schema"] = serde_json::json!({"openAPIV3Schema": {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": true,
        }});
    }
    cluster.api.replace(&crd)?;
    let broken = r#"[{"op":"replace","path":"/spec/rules","value":"none"}]"#;
    wait_until(LIMIT, "the CRD takes anything", || {
        let patch = format!("patch httproute hello --type=json -p {broken}");
        Ok(cluster.api.kubectl(&patch).is_ok())
    })?;
    wait_log(&daemon, "HTTPRoute default/hello: spec.rules")?;

    cluster.set_backend("canary", "web-v2")?;
    cluster.wait_version("canary", Some("v2"))?;
    ensure!(cluster.version("hello")?.as_deref() == Some("v1"));
    let status = daemon.status()?;
    ensure!(
        status["problems"][0]["object"] == "HTTPRoute default/hello",
        "{status}"
    );

    cluster.api.apply_path(&demo()?.join("http-simple.yaml"))?;
    wait_log(&daemon, "HTTPRoute default/hello: no problem any more")?;
    ensure!(cluster.version("hello")?.as_deref() == Some("v1"));
    Ok(())
}
