//! The API server stands still, then ends, under load: no request fails, and what changes right
//! after its return arrives.

use std::{thread::sleep, time::Duration};

use anyhow::Result;
use gateway_tests::wait::wait_until;

use super::{
    bed::{Cluster, LIMIT, expect_all},
    manifests::{GATEWAY, HTTP_ROUTE, TCP_ROUTE, all, echo},
};

/// Much longer than a lease lives.
const OUTAGE: Duration = Duration::from_secs(60);

#[test]
fn the_api_server_may_be_away() -> Result<()> {
    let cluster = Cluster::new("outage")?;
    cluster.apply(&all(&[&echo(1), GATEWAY, HTTP_ROUTE, TCP_ROUTE]))?;
    let address = cluster.gateway("web")?;
    cluster.rolled_out("deployment/echo")?;
    let http = format!("--to {address}:80 --host app.example.com");
    let tcp = format!("--to {address}:9000 --host any --fresh");
    cluster.answers(200, &http)?;
    cluster.answers(200, &tcp)?;
    let mut kept = cluster.load("kept", &http)?;
    let mut fresh = cluster.load("fresh", &tcp)?;

    let outages = [
        (
            "kill -STOP $(cat /run/kube-apiserver.pid)",
            "kill -CONT $(cat /run/kube-apiserver.pid)",
        ),
        (
            "kill -KILL $(cat /run/kube-apiserver.pid)",
            "/var/lib/kubernetes/start/kube-apiserver",
        ),
    ];
    for (round, (stop, start)) in outages.iter().enumerate() {
        kept.goes_on(100)?;
        cluster.nodes[0].run(stop)?;
        // What is tested is that time passes.
        sleep(OUTAGE);
        kept.goes_on(100)?;
        fresh.goes_on(100)?;
        cluster.nodes[0].run(start)?;
        wait_until(LIMIT, "the API server is back", || {
            Ok(cluster.kubectl(&["get", "--raw", "/readyz"]).is_ok())
        })?;
        expect_change(
            &cluster,
            &format!("late{round}.example.com"),
            &format!("{address}:80"),
        )?;
    }
    let (kept, fresh) = (kept.finish()?, fresh.finish()?);
    expect_all(&kept, 200)?;
    expect_all(&fresh, 200)
}

/// A host added to the route is served, and the route's status is of the new generation.
fn expect_change(cluster: &Cluster, host: &str, to: &str) -> Result<()> {
    let patch = format!(r#"[{{"op":"add","path":"/spec/hostnames/-","value":"{host}"}}]"#);
    cluster.kubectl(&["patch", "httproute", "app", "--type=json", "-p", &patch])?;
    cluster.answers(200, &format!("--to {to} --host {host}"))?;
    let generation = cluster.get("httproute/app")?["metadata"]["generation"].to_string();
    let path = "{.status.parents[0].conditions[?(@.type==\"Accepted\")].observedGeneration}";
    cluster.wait("httproute/app", &format!("jsonpath={path}={generation}"))
}
