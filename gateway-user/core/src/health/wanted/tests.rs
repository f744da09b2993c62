//! Which checks the endpoints of each kind of route get. Service `aN` has the endpoint 10.0.0.N.

use std::fmt::Write as _;

use super::*;
use crate::{
    translate::{Settings, translate},
    world::FileSet,
};

const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: xdp}
spec:
  controllerName: xdp-gateway.dev/controller
  parametersRef: {group: xdp-gateway.dev, kind: GatewayParameters, name: all, namespace: default}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: xdp
  addresses: [{value: 10.1.0.1}]
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}
  - {name: tcp, port: 90, protocol: TCP}
  - {name: udp, port: 90, protocol: UDP}
";

/// Kind, listener, rules.
const ROUTES: [(&str, &str, &str); 5] = [
    (
        "HTTPRoute",
        "http",
        "hostnames: [web.example.com]
  rules:
  - backendRefs: [{name: a1, port: 80}, {name: a2, port: 80}]
    filters:
    - {type: RequestMirror, requestMirror: {backendRef: {name: a3, port: 80}}}
    - type: ExternalAuth
      externalAuth: {protocol: HTTP, http: {}, backendRef: {name: a8, port: 80}}
    - type: ExternalAuth
      externalAuth: {protocol: GRPC, grpc: {}, backendRef: {name: a9, port: 80}}",
    ),
    (
        "GRPCRoute",
        "http",
        "hostnames: [grpc.example.com]
  rules: [{backendRefs: [{name: a4, port: 80}]}]",
    ),
    (
        "TLSRoute",
        "tls",
        "hostnames: [tls.example.com]
  rules: [{backendRefs: [{name: a5, port: 80}]}]",
    ),
    (
        "TCPRoute",
        "tcp",
        "rules: [{backendRefs: [{name: a1, port: 80}, {name: a6, port: 80}]}]",
    ),
    (
        "UDPRoute",
        "udp",
        "rules: [{backendRefs: [{name: a7, port: 53}]}]",
    ),
];

fn objects(health_check: &str) -> String {
    let mut text = GATEWAY.to_owned();
    for (kind, listener, rules) in ROUTES {
        let _ = write!(
            text,
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: {kind}\nmetadata: {{name: r}}\n\
             spec:\n  parentRefs: [{{name: web, sectionName: {listener}}}]\n  {rules}\n"
        );
    }
    for n in 1..=9 {
        let (port, protocol) = if n == 7 { (53, "UDP") } else { (80, "TCP") };
        let says = if n == 2 {
            ", appProtocol: kubernetes.io/h2c"
        } else {
            ""
        };
        let _ = write!(
            text,
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: a{n}}}\n\
             spec: {{ports: [{{name: p, port: {port}, protocol: {protocol}{says}}}]}}\n\
             ---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
             metadata: {{name: a{n}, labels: {{kubernetes.io/service-name: a{n}}}}}\n\
             addressType: IPv4\nports: [{{name: p, port: {port}, protocol: {protocol}}}]\n\
             endpoints: [{{addresses: [10.0.0.{n}]}}]\n"
        );
    }
    text + "---\napiVersion: xdp-gateway.dev/v1alpha1\nkind: GatewayParameters\n\
            metadata: {name: all}\nspec: "
        + health_check
}

fn checks(health_check: &str) -> Vec<String> {
    let mut files = FileSet::default();
    let problems = files.update("objects.yaml", Some(&objects(health_check)));
    assert!(problems.is_empty(), "{problems:?}");
    let world = files.world();
    let plan = translate(&world, &Settings::default()).plan;
    let endpoints = world.endpoints(plan.backend_ids().into_iter());
    let lines = plan.checks(&endpoints).into_iter().map(|(endpoint, ways)| {
        let ways = ways.iter().map(|(how, _)| match &**how {
            How::Http { protocol, .. } => format!("{protocol:?}"),
            other => other.as_str().to_owned(),
        });
        let mut ways: Vec<_> = ways.collect();
        ways.sort();
        format!("{endpoint} {}", ways.join(" "))
    });
    lines.collect()
}

#[test]
fn the_kind_of_the_route_says_how() {
    let all = [
        "10.0.0.1:80 Http1 tcp",
        "10.0.0.2:80 Http2",
        "10.0.0.3:80 Http1",
        "10.0.0.4:80 tcp",
        "10.0.0.5:80 tcp",
        "10.0.0.6:80 tcp",
        "10.0.0.7:53/udp udp",
        "10.0.0.8:80 Http1",
        "10.0.0.9:80 tcp",
    ];
    assert_eq!(checks("{healthCheck: {tcp: {}, udp: {}, http: {}}}"), all);
    let http = ["10.0.0.1:80 Http1", all[1], all[2], all[3], all[7], all[8]];
    assert_eq!(checks("{healthCheck: {http: {}}}"), http);
    let tcp = [1, 2, 3, 4, 5, 6, 8, 9].map(|n| format!("10.0.0.{n}:80 tcp"));
    assert_eq!(checks("{healthCheck: {tcp: {}}}"), tcp);
    assert_eq!(checks("{healthCheck: {udp: {}}}"), [all[6]]);
    assert_eq!(checks("{}"), [] as [&str; 0]);
}
