//! A small configuration that tests share: one Gateway with an HTTP and a TCP listener.

use gateway_core::world::{FileSet, World};

/// The class, the Gateway, its routes, their Services and the endpoints of one of them.
pub(crate) const MANIFEST: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: xdp}
spec: {controllerName: xdp-gateway.dev/controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: infra}
spec:
  gatewayClassName: xdp
  addresses: [{type: IPAddress, value: 10.0.0.1}]
  listeners:
  - {name: http, port: 80, protocol: HTTP, hostname: '*.example.com'}
  - {name: echo, port: 7, protocol: TCP}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: infra}
spec:
  parentRefs: [{name: web, sectionName: http}]
  rules:
  - backendRefs: [{name: v1, port: 80, weight: 80}, {name: v2, port: 80, weight: 20}]
  - matches: [{path: {value: /lost}}]
    backendRefs: [{name: nowhere, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {name: echo, namespace: infra}
spec:
  parentRefs: [{name: web, sectionName: echo}]
  rules: [{backendRefs: [{name: v1, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: v1, namespace: infra}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: v2, namespace: infra}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: v1, namespace: infra, labels: {kubernetes.io/service-name: v1}}
addressType: IPv4
ports: [{port: 8080, protocol: TCP}]
endpoints:
- {addresses: [10.0.1.1]}
- {addresses: [10.0.1.2], conditions: {ready: false}}
";

/// The documents of [`MANIFEST`] of these kinds.
pub(crate) fn documents(kinds: &[&str]) -> String {
    let wanted = |document: &&str| {
        let kind = document
            .lines()
            .find_map(|line| line.strip_prefix("kind: "));
        kind.is_some_and(|kind| kinds.contains(&kind))
    };
    let documents: Vec<_> = MANIFEST.split("---\n").filter(wanted).collect();
    assert!(!documents.is_empty(), "no {kinds:?}");
    documents.join("---\n")
}

/// The objects of a manifest without a mistake.
pub(crate) fn world(text: &str) -> World {
    let mut files = FileSet::default();
    assert_eq!(files.update("a.yaml", Some(text)), []);
    files.world()
}
