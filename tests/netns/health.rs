//! An endpoint that takes no connections: found out by the proxy, left out of every route.

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    wait::wait_until,
};

use super::{admin::sum, tcp::LIMIT};

/// Nobody listens on port 8099, which both Services have as one of their endpoints.
const DEAD: &str = "10.77.2.2:8099";
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

#[test]
fn what_fails_for_http_gets_no_new_traffic_of_any_route() -> Result<()> {
    let bed = Bed::new()?;
    bed.config.write("dead.yaml", SLICES)?;
    let daemon = bed.daemon()?;
    // Its weight in the kernel.
    let weight = || -> Result<Option<u64>> {
        let pins = bed.net.pins().display().to_string();
        let gateway = &gateway_tests::programs::Programs::get()?.gateway;
        let said = bed
            .node
            .run(gateway, ["maps", "-o", "json", "--pin-dir", &pins])?;
        let maps: serde_json::Value = serde_json::from_str(&said)?;
        let rows = maps["backends"].as_array().into_iter().flatten();
        let mut dead = rows.filter(|row| row["address"] == DEAD);
        Ok(dead.next().and_then(|row| row["weight"].as_u64()))
    };
    ensure!(weight()? == Some(1), "the kernel has no such backend");

    let hello = format!("--to {GATEWAY}:80 --host hello.example.com --count 100");
    let http = bed.http(&hello)?;
    ensure!(http.failed == 0 && http.errors.is_empty(), "{http:?}");
    wait_until(LIMIT, "it gets no new connections in the kernel", || {
        Ok(weight()? == Some(0))
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
