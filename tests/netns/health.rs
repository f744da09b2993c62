//! An endpoint that takes no connections: found out by the proxy or by what the kernel counts, left
//! out of every route.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    programs::Programs,
    wait::wait_until,
};

use super::{admin::sum, tcp::LIMIT};

/// Nobody listens on port 8099, which both Services have as one of their endpoints.
const DEAD: &str = "10.77.2.2:8099";
/// Longer than an endpoint is left out the first time.
const RETURN: Duration = Duration::from_secs(30);
const SLICES: &str = "
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web-v1-dead
  labels: {kubernetes.io/service-name: web-v1}
addressType: IPv4
ports: [{name: http, port: 8099}]
endpoints: [{addresses: [10.77.2.2]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: echo-dead
  labels: {kubernetes.io/service-name: echo}
addressType: IPv4
ports: [{name: echo, port: 8099}]
endpoints: [{addresses: [10.77.2.2]}]
";

/// Its weight in the kernel.
fn weight(bed: &Bed) -> Result<Option<u64>> {
    let pins = bed.net.pins().display().to_string();
    let gateway = &Programs::get()?.gateway;
    let said = bed
        .node
        .run(gateway, ["maps", "-o", "json", "--pin-dir", &pins])?;
    let maps: serde_json::Value = serde_json::from_str(&said)?;
    let rows = maps["backends"].as_array().into_iter().flatten();
    let mut dead = rows.filter(|row| row["address"] == DEAD);
    Ok(dead.next().and_then(|row| row["weight"].as_u64()))
}

/// No HTTP request goes there: the kernel's own counters tell.
#[test]
fn what_takes_no_connections_gets_none_for_a_while() -> Result<()> {
    let bed = Bed::new()?;
    let (_, of_echo) = SLICES.split_once("---").context("two slices")?;
    bed.config.write("dead.yaml", of_echo)?;
    let daemon = bed.daemon()?;
    ensure!(weight(&bed)? == Some(1), "the kernel has no such backend");
    let hundred = format!("--to {GATEWAY}:9000 --count 100");
    let before = bed.tcp(&hundred)?;
    ensure!(before.failed > 4, "too few go there: {before:?}");
    wait_until(LIMIT, "it gets no new connections", || {
        Ok(weight(&bed)? == Some(0))
    })
    .map_err(|e| e.context(daemon.log()))?;
    let after = bed.tcp(&hundred)?;
    ensure!(after.failed == 0, "{after:?}");
    let status = daemon.status_text()?;
    ensure!(status.contains("Failing endpoints"), "{status}");
    wait_until(RETURN, "it is tried again", || Ok(weight(&bed)? == Some(1)))?;
    Ok(())
}

#[test]
fn what_fails_for_http_gets_no_new_traffic_of_any_route() -> Result<()> {
    let bed = Bed::new()?;
    bed.config.write("dead.yaml", SLICES)?;
    let daemon = bed.daemon()?;
    ensure!(weight(&bed)? == Some(1), "the kernel has no such backend");

    let hello = format!("--to {GATEWAY}:80 --host hello.example.com --count 100");
    let http = bed.http(&hello)?;
    ensure!(http.failed == 0 && http.errors.is_empty(), "{http:?}");
    wait_until(LIMIT, "it gets no new connections in the kernel", || {
        Ok(weight(&bed)? == Some(0))
    })
    .map_err(|e| e.context(daemon.log()))?;

    let status = daemon.status_text()?;
    ensure!(status.contains("Failing endpoints"), "{status}");
    ensure!(status.contains("it takes no connections"), "{status}");
    let metrics = daemon.admin("/metrics")?;
    let why = &["why=\"connections\""];
    ensure!(
        sum(&metrics, "xdp_gateway_endpoint_ejections_total", why)? == 1.0,
        "{metrics}"
    );
    let tcp = bed.tcp(&format!("--to {GATEWAY}:9000 --count 40"))?;
    ensure!(tcp.failed == 0, "{tcp:?}");
    Ok(())
}
