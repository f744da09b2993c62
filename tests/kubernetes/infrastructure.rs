//! What stands for a Gateway in the cluster: its Service and EndpointSlices.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use gateway_tests::wait::wait_until;
use serde_json::{Value as Json, json};

use super::bed::{Cluster, LIMIT, get, lines, permissions, wait_condition, wait_log};

const SERVICE: &str = "service demo-xdp-gateway";
const SLICE: &str = "endpointslice demo-xdp-gateway-ipv4";
const CLASS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: xdp-gateway}
spec: {controllerName: xdp-gateway.dev/controller}
";
const THEIRS: &str = "
apiVersion: v1
kind: Service
metadata: {name: demo-xdp-gateway, namespace: default, labels: {mine: x}}
spec: {ports: [{port: 4321}]}
";
const OWNED: &str = "-l gateway.networking.k8s.io/gateway-name=demo";

#[test]
fn labels_and_annotations_appear_change_and_vanish() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let first = json!({"labels": {"key2": "value2", "team": "a"}, "annotations": {"key1": "x"}});
    ask(&cluster, &first)?;
    let _daemon = cluster.daemon()?;
    wait_condition(&cluster, "gateway demo", "Accepted")?;
    // Whoever sees the condition finds the objects: they were written before.
    let status = version(&get(&cluster, "gateway demo")?)?;
    for what in ["services", "endpointslices"] {
        let list = get(&cluster, &format!("{what} {OWNED}"))?;
        let items = list["items"].as_array().context("items")?;
        ensure!(items.len() == 1, "{what}: {list}");
        ensure!(version(&items[0])? < status, "{what} after the status");
        let metadata = &items[0]["metadata"];
        ensure!(metadata["labels"]["key2"] == "value2", "{metadata}");
        ensure!(metadata["annotations"]["key1"] == "x", "{metadata}");
        ensure!(
            metadata["ownerReferences"][0]["name"] == "demo",
            "{metadata}"
        );
    }

    let second = json!({"labels": {"key2": "changed", "team": null}, "annotations": null});
    ask(&cluster, &second)?;
    follows(&cluster, SERVICE)?;
    follows(&cluster, SLICE)?;

    // What somebody changes comes back, what somebody adds stays.
    let label = format!("label {SERVICE} key2=wrong theirs=kept --overwrite");
    cluster.api.kubectl(&label)?;
    cluster.api.kubectl(&format!("delete {SLICE}"))?;
    follows(&cluster, SERVICE)?;
    wait_until(LIMIT, "the slice is back", || exists(&cluster, SLICE))?;
    let service = get(&cluster, SERVICE)?;
    ensure!(
        service["metadata"]["labels"]["theirs"] == "kept",
        "{service}"
    );
    Ok(())
}

#[test]
fn objects_are_there_while_the_gateway_is_ours_and_written_only_when_they_change() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let daemon = cluster.daemon()?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;
    let slice = get(&cluster, SLICE)?;
    let addresses = &slice["endpoints"][0]["addresses"];
    ensure!(*addresses == json!(["10.77.0.100"]), "{slice}");
    let ports = slice["ports"].as_array().context("ports")?.iter();
    let ports: BTreeSet<_> = ports.filter_map(|port| port["name"].as_str()).collect();
    ensure!(ports == ["http-80", "tcp-9000", "udp-53"].into(), "{slice}");

    // Of two changes of the Gateway the second has been seen.
    let versions = || -> Result<(u64, u64)> {
        let slice = get(&cluster, SLICE)?;
        Ok((version(&get(&cluster, SERVICE)?)?, version(&slice)?))
    };
    let before = versions()?;
    cluster.api.kubectl("annotate gateway demo a=b")?;
    let more = json!({"name": "more", "port": 80, "protocol": "HTTP", "hostname": "example.org"});
    let patch = json!([{"op": "add", "path": "/spec/listeners/-", "value": more}]);
    let patch = format!("patch gateway demo --type=json -p {patch}");
    cluster.api.kubectl(&patch)?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;
    ensure!(before == versions()?, "{}", daemon.log());

    // Nobody else removes objects here: no controller of Kubernetes runs.
    cluster.api.kubectl("delete gatewayclass xdp-gateway")?;
    gone(&cluster)?;
    cluster.api.apply(CLASS)?;
    wait_until(LIMIT, "the Service is back", || exists(&cluster, SERVICE))?;
    cluster.api.kubectl("delete gateway demo")?;
    gone(&cluster)?;
    ensure!(lines(&daemon, "cannot be written") == 0, "{}", daemon.log());
    Ok(())
}

#[test]
fn a_service_of_somebody_else_stays_as_it_is() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    cluster.api.apply(THEIRS)?;
    let theirs = get(&cluster, SERVICE)?;
    let _daemon = cluster.daemon()?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;
    let told = || {
        let described = cluster.api.kubectl("describe gateway demo")?;
        let (conditions, events) = described.rsplit_once("\nEvents:").context("no events")?;
        let says = |text: &str| text.contains("NameTaken") && text.contains("rename or delete");
        Ok(says(conditions) && says(events))
    };
    wait_until(LIMIT, "a condition and an event say so", told)?;
    ensure!(get(&cluster, SERVICE)? == theirs);
    ensure!(!exists(&cluster, SLICE)?);

    cluster.api.kubectl(&format!("delete {SERVICE}"))?;
    wait_until(LIMIT, "the Gateway has a Service and a slice", || {
        Ok(exists(&cluster, SERVICE)? && exists(&cluster, SLICE)?)
    })?;
    wait_until(LIMIT, "the condition is gone", || {
        let gateway = get(&cluster, "gateway demo")?;
        Ok(!gateway["status"].to_string().contains("NameTaken"))
    })?;
    Ok(())
}

/// Who may not make Services is told so once, serves, and writes statuses.
#[test]
fn without_permission_everything_else_goes_on() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let mut role = get(&cluster, "clusterrole xdp-gateway")?;
    let rules = role["rules"].as_array_mut().context("rules")?;
    let all = rules.len();
    rules.retain(|rule| rule["resources"][0] != "services" || is_reading(rule));
    ensure!(rules.len() + 1 == all, "{role}");
    cluster.api.replace(&role)?;
    let daemon = cluster.daemon()?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;
    wait_log(
        &daemon,
        "grant it `create` of services (the chart's ClusterRole does)",
    )?;
    ensure!(cluster.version("hello")?.as_deref() == Some("v1"));
    wait_until(LIMIT, "it is tried again", || {
        let metrics = daemon.admin("/metrics")?;
        let failed = "xdp_gateway_infrastructure_writes_total{kind=\"Service\",result=\"error\"} ";
        let count = metrics.lines().find_map(|line| line.strip_prefix(failed));
        Ok(count.is_some_and(|count| count.parse::<u32>().is_ok_and(|count| count >= 2)))
    })?;
    ensure!(
        lines(&daemon, "grant it `create` of services") == 1,
        "{}",
        daemon.log()
    );

    cluster.api.apply(&permissions()?)?;
    wait_until(LIMIT, "the Service is made", || exists(&cluster, SERVICE))?;
    Ok(())
}

fn is_reading(rule: &Json) -> bool {
    let mut verbs = rule["verbs"].as_array().into_iter().flatten();
    verbs.all(|verb| ["get", "list", "watch"].iter().any(|reads| verb == reads))
}

/// Numbers grow over all kinds of objects (they may be compared since Kubernetes 1.35).
fn version(object: &Json) -> Result<u64> {
    let version = object["metadata"]["resourceVersion"].as_str();
    Ok(version.context("no version")?.parse()?)
}

/// Waits until an object has the labels of the second wish, and nothing more of the first one.
fn follows(cluster: &Cluster, object: &str) -> Result<()> {
    let follows = wait_until(LIMIT, &format!("{object} follows"), || {
        let metadata = &get(cluster, object)?["metadata"];
        Ok(metadata["labels"]["key2"] == "changed"
            && metadata["labels"]["team"].is_null()
            && metadata["annotations"]["key1"].is_null())
    });
    follows.map(drop)
}

/// Patches the Gateway's wish.
fn ask(cluster: &Cluster, infrastructure: &Json) -> Result<()> {
    let patch = json!({"spec": {"infrastructure": infrastructure}});
    let patch = format!("patch gateway demo --type=merge -p {patch}");
    cluster.api.kubectl(&patch).map(drop)
}

fn exists(cluster: &Cluster, object: &str) -> Result<bool> {
    let found = cluster
        .api
        .kubectl(&format!("get {object} --ignore-not-found -o name"))?;
    Ok(!found.trim().is_empty())
}

fn gone(cluster: &Cluster) -> Result<()> {
    let gone = wait_until(LIMIT, "Service and slice are gone", || {
        Ok(!exists(cluster, SERVICE)? && !exists(cluster, SLICE)?)
    });
    gone.map(drop)
}
