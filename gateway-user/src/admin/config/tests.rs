//! What `/config` shows of a small configuration.

use gateway_core::{
    l4,
    translate::{Settings, translate},
    world::FileSet,
};

use super::*;

const MANIFEST: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: xdp}
spec: {controllerName: xdp-gateway.dev/controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: xdp
  addresses: [{type: IPAddress, value: 10.0.0.1}]
  listeners:
  - {name: dns, port: 53, protocol: UDP}
  - {name: http, port: 80, protocol: HTTP, hostname: '*.example.com'}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: web, sectionName: http}]
  rules: [{matches: [{path: {value: /cart}}], backendRefs: [{name: nowhere, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: {name: dns}
spec:
  parentRefs: [{name: web, sectionName: dns}]
  rules: [{backendRefs: [{name: dns, port: 53}]}]
---
apiVersion: v1
kind: Service
metadata: {name: dns}
spec: {ports: [{port: 53, protocol: UDP}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: dns, labels: {kubernetes.io/service-name: dns}}
addressType: IPv4
ports: [{port: 5353, protocol: UDP}]
endpoints: [{addresses: [10.0.1.1]}]
";

fn shown() -> Value {
    let mut files = FileSet::default();
    assert_eq!(files.update("a.yaml", Some(MANIFEST)), []);
    let world = files.world();
    let translation = translate(&world, &Settings::default());
    let endpoints = world.endpoints(translation.plan.backend_ids().into_iter());
    let tables = l4::compile(&translation.plan, &endpoints, 3, &Tables::default()).unwrap();
    render(&InForce {
        translation: Arc::new(translation),
        endpoints: Arc::new(endpoints),
        tables: Arc::new(tables),
    })
}

#[test]
fn frontends_with_routes_and_backends() {
    let shown = shown();
    let [http, dns] = ["tcp", "udp"].map(|transport| {
        let all = shown["frontends"].as_array().unwrap().iter();
        all.clone().find(|f| f["transport"] == transport).unwrap()
    });
    assert_eq!(dns["address"], "10.0.0.1:53");
    assert_eq!(dns["servedBy"], "kernel");
    assert_eq!(dns["route"], "default/dns");
    let backend = json!({ "backend": "default/dns:53/udp", "weight": 1 });
    assert_eq!(dns["backends"], json!([backend]));

    assert_eq!(http["address"], "10.0.0.1:80");
    assert_eq!(http["servedBy"], "proxy");
    let listener = &http["listeners"][0];
    assert_eq!(listener["hostname"], "*.example.com");
    let rule = &listener["routes"][0]["rules"][0];
    assert!(
        rule["matches"][0].as_str().unwrap().contains("/cart"),
        "{rule}"
    );
    assert_eq!(rule["backends"], json!([{ "backend": null, "weight": 1 }]));
}

#[test]
fn endpoints_and_the_tables_of_the_kernel() {
    let shown = shown();
    assert_eq!(
        shown["endpoints"]["default/dns:53/udp"][0]["address"],
        "10.0.1.1:5353"
    );
    let tables = &shown["tables"];
    let backend = &tables["backends"][0];
    assert_eq!(backend["address"], "10.0.1.1 port 5353");
    assert_eq!(backend["service"], tables["services"][0]["id"]);
    let frontends = tables["frontends"].as_array().unwrap();
    let proxied = frontends.iter().find(|f| f["kind"] == "proxy").unwrap();
    assert_eq!(
        (&proxied["address"], &proxied["workers"]),
        (&json!("10.0.0.1 port 80"), &json!(3))
    );
    assert_eq!(tables["usage"]["frontends"], 2);
}
