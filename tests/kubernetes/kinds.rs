//! Kinds that are missing, and objects that cannot be read.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{apiserver::crd, bed::GATEWAY, programs, wait::wait_until};
use serde_json::{Value as Json, json};

use super::bed::{Cluster, KINDS, LIMIT, demo, get, wait_event, wait_log};

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

    take_anything(&cluster, &crd("httproutes")?)?;
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

    // The leader tells whoever looks at the object.
    let told = "spec.rules: is string \"none\", but must be a list; what it said before stays";
    wait_event(&cluster, "httproute hello", "Unreadable", told)?;
    let events = get(&cluster, "events.events.k8s.io")?.to_string();
    ensure!(events.matches("Unreadable").count() == 1, "{events}");

    // A value that only a newer version knows is a matter of that route's condition.
    let filter = r#"{"op":"add","path":"/spec/rules/0/filters","value":[{"type":"Teapot"}]}"#;
    let patch = format!("patch httproute canary --type=json -p [{filter}]");
    cluster.api.kubectl(&patch)?;
    wait_event(&cluster, "httproute canary", "UnsupportedValue", "Teapot")?;

    cluster.api.apply_path(&demo()?.join("http-simple.yaml"))?;
    wait_log(&daemon, "HTTPRoute default/hello: no problem any more")?;
    ensure!(cluster.version("hello")?.as_deref() == Some("v1"));
    Ok(())
}

#[test]
fn objects_of_our_own_kinds_that_cannot_be_read_say_so() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let _daemon = cluster.daemon()?;
    let crds = programs::root()?.join("charts/xdp-gateway/charts/crds/crds");
    for (kind, name) in [
        ("addresspools", "AddressPool"),
        ("gatewayparameters", "GatewayParameters"),
    ] {
        take_anything(&cluster, &crds.join(format!("{kind}.yaml")))?;
        let broken = json!({
            "apiVersion": "xdp-gateway.dev/v1alpha1",
            "kind": name,
            "metadata": {"name": "broken"},
            "spec": "none",
        });
        wait_until(LIMIT, "the CRD takes anything", || {
            Ok(cluster.api.apply(&broken.to_string()).is_ok())
        })?;
        let told = "spec: is string \"none\", but must be a mapping; it has no effect";
        wait_event(&cluster, &format!("{kind} broken"), "Unreadable", told)?;
    }
    ensure!(cluster.version("hello")?.as_deref() == Some("v1"));
    Ok(())
}

/// Takes the schema from a CRD, as a broken installation has it.
fn take_anything(cluster: &Cluster, crd: &Path) -> Result<()> {
    let mut crd: Json = serde_saphyr::from_str(&fs::read_to_string(crd)?)?;
    for version in crd["spec"]["versions"].as_array_mut().context("versions")? {
        version["schema"] = json!({"openAPIV3Schema": {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": true,
        }});
        // It may print fields that the schema has to have.
        drop(
            version
                .as_object_mut()
                .context("a version")?
                .remove("additionalPrinterColumns"),
        );
    }
    cluster.api.replace(&crd)
}
