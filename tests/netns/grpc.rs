//! A GRPCRoute, through the daemon: calls in HTTP/2 on both sides.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    report::HttpReport,
    wait::wait_until,
};

const LIMIT: Duration = Duration::from_secs(20);

const OBJECTS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: cart, namespace: default}
spec:
  parentRefs: [{name: demo, sectionName: http}]
  hostnames: [cart.example.com]
  rules:
    - matches: [{method: {service: shop.v1.Cart, method: Add}}]
      backendRefs: [{name: cart, port: 80}]
    - matches: [{method: {service: shop.v1.Cart, method: Lost}}]
      backendRefs: [{name: nowhere, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: default}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart, namespace: default, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{port: 8090}]
endpoints: [{addresses: [10.77.1.2]}, {addresses: [10.77.2.2]}]
";

fn call(bed: &Bed, method: &str, count: u64) -> Result<HttpReport> {
    let report = bed.http(&format!(
        "--to {GATEWAY}:80 --host cart.example.com --http2 --method POST --body 5 \
         --header content-type:application/grpc --path /shop.v1.Cart/{method} --count {count}"
    ))?;
    ensure!(report.failed == 0, "{method}: {:?}", report.errors);
    Ok(report)
}

#[test]
fn calls_reach_the_backends_and_failures_have_a_status_of_grpc() -> Result<()> {
    let mut bed = Bed::new()?;
    bed.config.write("grpc.yaml", OBJECTS)?;
    for role in ["app1", "app2"] {
        let server = format!("serve-http --http2 --listen 0.0.0.0:8090 --version {role}");
        bed.serve(role, &server)?;
    }
    let _daemon = bed.daemon()?;
    wait_until(LIMIT, "both backends answer", || {
        let answers = call(&bed, "Add", 20)?;
        Ok(answers.versions.contains_key("app1") && answers.versions.contains_key("app2"))
    })?;
    let answers = call(&bed, "Add", 500)?;
    let served: u64 = answers.versions.values().sum();
    ensure!(served == 500, "{answers:?}");
    for (method, status) in [("Lost", "14"), ("Unknown", "12")] {
        let answer = call(&bed, method, 1)?.last.context("no answer")?;
        let told = answer.headers.get("grpc-status").map(String::as_str);
        ensure!(
            (answer.status, told) == (200, Some(status)),
            "{method}: {answer:?}"
        );
    }
    Ok(())
}
