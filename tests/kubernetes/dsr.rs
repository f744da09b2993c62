//! Direct server return in a cluster: nodes tell each other by annotations of our pods that they
//! take outer headers.

use anyhow::Result;
use gateway_tests::{daemon::Daemon, wait::wait_until};
use serde_json::Value as Json;

use crate::bed::{Cluster, LIMIT, get};

const ANNOTATION: &str = "xdp-gateway.dev/tunnel";

const OTHER: &str = "
apiVersion: v1
kind: Pod
metadata:
  name: other
  namespace: default
  labels: {app.kubernetes.io/name: xdp-gateway, app.kubernetes.io/component: gateway}
spec:
  nodeName: other
  containers: [{name: gateway, image: x}]
---
apiVersion: xdp-gateway.dev/v1alpha1
kind: GatewayParameters
metadata: {name: all, namespace: default}
spec: {l4: {mode: DSR}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: echo-far
  namespace: default
  labels: {kubernetes.io/service-name: echo}
addressType: IPv4
ports: [{name: echo, protocol: TCP, port: 9000}]
endpoints: [{addresses: [10.77.9.2], nodeName: other}]
";
const PARAMETERS: &str = r#"{"spec":{"parametersRef":{"group":"xdp-gateway.dev","kind":"GatewayParameters","name":"all","namespace":"default"}}}"#;

/// Waits until that many backends on other nodes are reached by DSR, and that many by SNAT.
fn wait_far(daemon: &Daemon, by_dsr: u64, by_snat: u64) -> Result<()> {
    let what = format!("{by_dsr} backends by DSR, {by_snat} by SNAT");
    wait_until(LIMIT, &what, || {
        let row: Json = daemon.status()?["farBackends"][0].clone();
        Ok(row["mode"] == "DSR" && row["byDsr"] == by_dsr && row["bySnat"] == by_snat)
    })?;
    Ok(())
}

#[test]
fn nodes_that_take_outer_headers_are_known_by_an_annotation() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    cluster.api.apply(OTHER)?;
    let class = format!("patch gatewayclass xdp-gateway --type=merge -p {PARAMETERS}");
    cluster.api.kubectl(&class)?;
    let daemon = cluster.daemon()?;
    wait_until(LIMIT, "this node's pod is annotated", || {
        let pod = get(&cluster, "pod node")?;
        Ok(pod["metadata"]["annotations"][ANNOTATION] == "10.77.0.1")
    })?;
    wait_far(&daemon, 0, 1)?;

    let annotate = format!("annotate pod other {ANNOTATION}=192.0.2.9,2001:db8::9");
    cluster.api.kubectl(&annotate)?;
    let status = |ready: &str| {
        let patch =
            format!(r#"{{"status":{{"conditions":[{{"type":"Ready","status":"{ready}"}}]}}}}"#);
        let command = format!("patch pod other --subresource=status -p {patch}");
        cluster.api.kubectl(&command)
    };
    status("True")?;
    wait_far(&daemon, 1, 0)?;
    // New connections do not go where nobody may be; a node that is lost takes its pod along.
    status("False")?;
    wait_far(&daemon, 0, 1)?;
    Ok(())
}
