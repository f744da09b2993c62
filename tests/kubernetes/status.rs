//! Statuses and events in the API server: true, ours only, and written only when they change.

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{daemon::Daemon, measured::measured, wait::wait_until};
use serde_json::{Value as Json, json};

use super::bed::{Cluster, LIMIT, get, wait_condition};

#[test]
fn statuses_follow_the_objects_and_are_written_once() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let daemon = cluster.daemon()?;
    wait_condition(&cluster, "gatewayclass xdp-gateway", "Accepted")?;
    wait_condition(&cluster, "gatewayclass xdp-gateway", "SupportedVersion")?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;
    let gateway = get(&cluster, "gateway demo")?;
    let address = &gateway["status"]["addresses"][0];
    ensure!(*address == json!({"type": "IPAddress", "value": "10.77.0.100"}));
    let class = get(&cluster, "gatewayclass xdp-gateway")?;
    let features = class["status"]["supportedFeatures"].as_array();
    ensure!(features.is_some_and(|list| list.contains(&json!({"name": "HTTPRoute"}))));
    for kind in ["httproutes", "tcproutes", "udproutes"] {
        let what = format!("every one of {kind} is accepted");
        wait_until(LIMIT, &what, || {
            let list = get(&cluster, kind)?;
            let items = list["items"].as_array().context("items")?;
            Ok(!items.is_empty() && items.iter().all(is_accepted))
        })?;
    }
    let first = writes(&daemon)?;
    measured(format!("statuses of examples/demo took {first} writes"));
    // A class, a Gateway and 7 routes, each twice at most.
    ensure!(first <= 18, "{first} writes");

    // What changes no status is not written: of two changes the second is seen, so the first was.
    cluster.api.kubectl("annotate httproute hello a=b")?;
    cluster.set_backend("hello", "web-v2")?;
    let observed = || {
        let route = get(&cluster, "httproute hello")?;
        let condition = &route["status"]["parents"][0]["conditions"][0];
        Ok(condition["observedGeneration"] == route["metadata"]["generation"])
    };
    wait_until(LIMIT, "the new generation is observed", observed)?;
    let more = writes(&daemon)? - first;
    ensure!(more == 1, "{more} writes for one change");
    Ok(())
}

#[test]
fn entries_of_another_controller_stay_as_they_are() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let _daemon = cluster.daemon()?;
    let accepted = || Ok(is_accepted(&get(&cluster, "httproute hello")?));
    wait_until(LIMIT, "the route is accepted", accepted)?;

    let theirs = json!({
        "controllerName": "example.com/other",
        "parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "demo"},
        "conditions": [{"type": "Accepted", "status": "False", "reason": "Other", "message": "no",
                        "observedGeneration": 1, "lastTransitionTime": "2020-01-01T00:00:00Z"}],
    });
    let patch = json!([{"op": "add", "path": "/status/parents/0", "value": theirs}]);
    cluster.api.kubectl(&format!(
        "patch httproute hello --subresource=status --type=json -p {patch}"
    ))?;
    cluster.set_backend("hello", "missing")?;
    let parents =
        || -> Result<Json> { Ok(get(&cluster, "httproute hello")?["status"]["parents"].clone()) };
    wait_until(LIMIT, "our entry tells of the missing Service", || {
        Ok(parents()?.to_string().contains("BackendNotFound"))
    })?;
    let both = parents()?;
    ensure!(both[0] == theirs, "{both}");
    ensure!(both[1]["controllerName"] == "xdp-gateway.dev/controller");

    let elsewhere = r#"[{"op":"replace","path":"/spec/parentRefs/0/name","value":"nothing"}]"#;
    cluster
        .api
        .kubectl(&format!("patch httproute hello --type=json -p {elsewhere}"))?;
    wait_until(LIMIT, "our entry is gone", || {
        Ok(parents()? == json!([theirs]))
    })?;
    Ok(())
}

#[test]
fn events_tell_of_what_went_wrong_and_is_mended() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let daemon = cluster.daemon()?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;
    cluster.set_backend("hello", "missing")?;
    wait_event(
        &cluster,
        "Warning",
        "Service \"default/missing\" does not exist",
    )?;
    cluster.set_backend("hello", "missing-too")?;
    wait_event(
        &cluster,
        "Warning",
        "Service \"default/missing-too\" does not exist",
    )?;
    cluster.set_backend("hello", "web-v1")?;
    wait_event(&cluster, "Normal", "ResolvedRefs is True again")?;
    let described = cluster.api.kubectl("describe httproute hello")?;
    ensure!(described.contains("BackendNotFound"), "{described}");

    // A restart tells nothing anew.
    let before = events(&cluster)?;
    ensure!(daemon.terminate()?.success());
    let daemon = cluster.daemon()?;
    cluster.set_backend("shop", "missing")?;
    wait_event(
        &cluster,
        "Warning",
        "Service \"default/missing\" does not exist",
    )?;
    wait_until(LIMIT, "the route is reported", || {
        Ok(get(&cluster, "httproute shop")?["status"]
            .to_string()
            .contains("BackendNotFound"))
    })?;
    let after = events(&cluster)?;
    let of_hello = |all: &[Json]| {
        all.iter()
            .filter(|e| e["regarding"]["name"] == "hello")
            .count()
    };
    ensure!(of_hello(&before) == of_hello(&after), "{}", daemon.log());
    Ok(())
}

/// Writes of statuses that succeeded, of all kinds.
fn writes(daemon: &Daemon) -> Result<usize> {
    let metrics = daemon.admin("/metrics")?;
    let lines = metrics.lines().filter(|line| {
        line.starts_with("xdp_gateway_status_writes_total") && line.contains("result=\"ok\"")
    });
    let values = lines.map(|line| {
        let value = line.rsplit(' ').next().context("a value")?;
        value.parse::<usize>().context("a number")
    });
    values.sum()
}

fn is_accepted(route: &Json) -> bool {
    let parents = route["status"]["parents"].as_array().into_iter().flatten();
    let mut conditions = parents.flat_map(|p| p["conditions"].as_array().into_iter().flatten());
    conditions.any(|c| c["type"] == "Accepted" && c["status"] == "True")
}

fn events(cluster: &Cluster) -> Result<Vec<Json>> {
    let list = get(cluster, "events.events.k8s.io")?;
    Ok(list["items"].as_array().context("items")?.clone())
}

fn wait_event(cluster: &Cluster, level: &str, words: &str) -> Result<()> {
    let what = format!("an event of type {level} says `{words}`");
    let found = wait_until(LIMIT, &what, || {
        let says = |event: &Json| {
            let note = event["note"].as_str().unwrap_or_default();
            event["type"] == level && note.contains(words)
        };
        Ok(events(cluster)?.iter().any(says))
    });
    found.map(drop)
}
