//! Many routes of one Gateway, and another controller's entry in the status of one of them.

use anyhow::{Context as _, Result, ensure};
use gateway_tests::wait::wait_until;
use serde_json::{Value as Json, json};

use super::{
    bed::{Cluster, LIMIT},
    manifests::GATEWAY,
};

const ROUTES: usize = 500;
/// For each route, its Gateway's included: an acceptance, and one that a conflict repeats.
const WRITES_PER_ROUTE: f64 = 2.0;
/// For the Gateway, whose attached routes grow while they are created.
const WRITES_BESIDE: f64 = 100.0;
const CONTROLLER: &str = "xdp-gateway.dev/controller";

#[test]
fn five_hundred_routes_get_few_writes_and_others_entries_stay() -> Result<()> {
    let cluster = Cluster::new("routes")?;
    cluster.apply(GATEWAY)?;
    cluster.gateway("web")?;
    cluster.manifests(&["create"], &routes(0..1).to_string())?;
    cluster.wait("httproute/r0", "jsonpath={.status.parents}")?;
    let foreign = add_foreign_entry(&cluster)?;
    let before = cluster.metric("xdp_gateway_status_writes_total")?;

    cluster.manifests(&["create"], &routes(1..ROUTES).to_string())?;
    // Makes our own entry of the route with the foreign one out of date.
    let patch = r#"[{"op":"add","path":"/spec/hostnames/-","value":"more.example.com"}]"#;
    cluster.kubectl(&["patch", "httproute", "r0", "--type=json", "-p", patch])?;
    let attached = format!("jsonpath={{.status.listeners[0].attachedRoutes}}={ROUTES}");
    cluster.wait("gateway/web", &attached)?;
    let took = wait_until(LIMIT, "every route is accepted", || {
        let all = cluster.get("httproutes")?;
        let all = all["items"].as_array().context("no list")?;
        Ok(all.len() == ROUTES && all.iter().all(accepted))
    })?;

    let writes = cluster.metric("xdp_gateway_status_writes_total")? - before;
    println!("measured: {ROUTES} routes accepted, {writes} status writes, {took:?} after the last");
    ensure!(
        writes <= ROUTES as f64 * WRITES_PER_ROUTE + WRITES_BESIDE,
        "{writes} status writes"
    );
    let route = cluster.get("httproute/r0")?;
    let parents = route["status"]["parents"]
        .as_array()
        .context("no parents")?;
    ensure!(
        parents.contains(&foreign),
        "{foreign} is not in {parents:?}"
    );
    ensure!(parents.len() == 2, "{parents:?}");
    Ok(())
}

/// HTTPRoutes that redirect, so that no Service is needed.
fn routes(numbers: std::ops::Range<usize>) -> Json {
    let route = |number: usize| {
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": format!("r{number}")},
            "spec": {
                "parentRefs": [{"name": "web", "sectionName": "http"}],
                "hostnames": [format!("h{number}.example.com")],
                "rules": [{"filters": [{
                    "type": "RequestRedirect",
                    "requestRedirect": {"hostname": "www.example.com"},
                }]}],
            },
        })
    };
    json!({"apiVersion": "v1", "kind": "List", "items": numbers.map(route).collect::<Vec<_>>()})
}

/// Writes the entry of another controller into the status of r0; gives it as the server has it.
fn add_foreign_entry(cluster: &Cluster) -> Result<Json> {
    let entry = json!({
        "controllerName": "example.net/other",
        "parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "theirs"},
        "conditions": [{
            "type": "Accepted",
            "status": "False",
            "reason": "NotAllowedByListeners",
            "message": "said by another  controller\n",
            "lastTransitionTime": "2020-01-02T03:04:05Z",
            "observedGeneration": 1,
        }],
    });
    let patch = json!([{"op": "add", "path": "/status/parents/0", "value": entry}]).to_string();
    let patch = ["--subresource=status", "--type=json", "-p", &patch];
    cluster.kubectl(&[&["patch", "httproute", "r0"], patch.as_slice()].concat())?;
    let route = cluster.get("httproute/r0")?;
    let parents = route["status"]["parents"]
        .as_array()
        .context("no parents")?;
    let theirs = |parent: &&Json| parent["controllerName"] == "example.net/other";
    parents
        .iter()
        .find(theirs)
        .cloned()
        .context("the entry was not stored")
}

/// By us, in the present generation.
fn accepted(route: &Json) -> bool {
    let list = |value: &Json| value.as_array().cloned().unwrap_or_default();
    let mut parents = list(&route["status"]["parents"]).into_iter();
    let ours = parents.find(|parent| parent["controllerName"] == CONTROLLER);
    ours.is_some_and(|parent| {
        list(&parent["conditions"]).iter().any(|condition| {
            condition["type"] == "Accepted"
                && condition["status"] == "True"
                && condition["observedGeneration"] == route["metadata"]["generation"]
        })
    })
}
