//! Listeners that a ListenerSet adds to a Gateway carry traffic as the Gateway's own do.

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    wait::wait_until,
};

use crate::tcp::LIMIT;

const SET: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: more, namespace: default}
spec:
  parentRef: {name: demo}
  listeners:
  - {name: web, port: 8080, protocol: HTTP}
  - {name: raw, port: 9001, protocol: TCP}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: more, namespace: default}
spec:
  parentRefs: [{kind: ListenerSet, name: more}]
  hostnames: [more.example.com]
  rules: [{backendRefs: [{name: web-v2, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {name: more, namespace: default}
spec:
  parentRefs: [{kind: ListenerSet, name: more, sectionName: raw}]
  rules: [{backendRefs: [{name: echo, port: 9000}]}]
";

#[test]
fn a_listener_set_serves_while_its_gateway_allows_it() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    bed.config.write("set.yaml", SET)?;
    let ask = format!("--to {GATEWAY}:8080 --host more.example.com --count 1");
    let refused = bed.http(&ask)?;
    ensure!(
        refused.failed == 1,
        "served without being allowed: {refused:?}"
    );

    let allow = "gatewayClassName: xdp-gateway\n  allowedListeners: {namespaces: {from: Same}}";
    let default = "gatewayClassName: xdp-gateway";
    bed.config.replace("gateway.yaml", default, allow)?;
    wait_until(LIMIT, "the ListenerSet is served", || {
        Ok(bed.http(&ask)?.versions.get("v2") == Some(&1))
    })?;
    let raw = bed.tcp(&format!("--to {GATEWAY}:9001 --bytes 100000 --count 3"))?;
    raw.expect_echoed(300_000)?;
    ensure!(raw.client_address_kept, "{raw:?}");

    bed.config.replace("gateway.yaml", allow, default)?;
    wait_until(LIMIT, "the ListenerSet is not served any more", || {
        Ok(bed.http(&ask)?.failed == 1)
    })?;
    Ok(())
}
