//! What stands for a Gateway in its namespace, by the permissions of the chart and among
//! Kubernetes' own controllers.

use anyhow::{Result, ensure};
use gateway_tests::wait::wait_until;
use serde_json::json;

use super::{
    bed::{Cluster, LIMIT},
    manifests::GATEWAY,
};

const OBJECTS: &str = "services,endpointslices";
const OF_WEB: &str = "--selector=gateway.networking.k8s.io/gateway-name=web";

#[test]
fn a_gateway_has_a_service_that_kubernetes_leaves_alone_and_removes_with_it() -> Result<()> {
    let cluster = Cluster::new("infrastructure")?;
    cluster.apply(GATEWAY)?;
    let address = cluster.gateway("web")?;
    let family = if address.is_ipv4() { "ipv4" } else { "ipv6" };
    let name = format!("endpointslice/web-xdp-gateway-{family}");
    let slice = cluster.get(&name)?;
    let endpoint = &slice["endpoints"][0]["addresses"];
    ensure!(*endpoint == json!([address.to_string()]), "{slice}");

    let labels = r#"{"spec":{"infrastructure":{"labels":{"team":"a"}}}}"#;
    cluster.kubectl(&["patch", "gateway", "web", "--type=merge", "-p", labels])?;
    for object in ["service/web-xdp-gateway", &name] {
        cluster.wait(object, "jsonpath={.metadata.labels.team}=a")?;
    }
    let slices = cluster.kubectl(&["get", "endpointslices", "-o", "name"])?;
    let foreign = slices
        .lines()
        .find(|line| !line.contains("/web-xdp-gateway-ipv"));
    ensure!(foreign.is_none(), "made by somebody else: {slices}");

    cluster.kubectl(&["delete", "gateway", "web"])?;
    wait_until(LIMIT, "nothing is left of the Gateway", || {
        let left = cluster.kubectl(&["get", OBJECTS, OF_WEB, "-o", "name"])?;
        Ok(left.trim().is_empty())
    })?;
    Ok(())
}
