//! A Gateway for the judges, beside the one of examples/demo.

use anyhow::Result;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;

/// The Gateway's address.
pub(super) const ADDRESS: &str = "10.77.0.101";
/// The name in its certificate.
pub(super) const NAME: &str = "interop.example.com";
/// Where the server of gRPC listens.
pub(super) const GRPC: (&str, u16) = ("10.77.1.2", 10000);
/// An HTTP/1 server that is nothing but hyper, behind the listeners for h2spec.
pub(super) const HYPER: (&str, u16) = ("10.77.1.2", 8080);

pub(super) const WEB: u16 = 80;
pub(super) const WEB_TLS: u16 = 443;
pub(super) const CALLS: u16 = 8080;
pub(super) const CALLS_TLS: u16 = 8443;

/// The manifests, and the certificate that they make the Gateway show.
pub(super) fn make() -> Result<(String, String)> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([NAME.to_owned()])?;
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "interop"},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": cert.pem(), "tls.key": signing_key.serialize_pem()},
    });
    Ok((format!("{}---\n{secret}\n", text()), cert.pem()))
}

/// Calls are routed by service, so that the answer to an unknown service is the gateway's, and that
/// to an unknown method the server's.
fn text() -> String {
    let (hyper, hyper_port) = HYPER;
    let (grpc, grpc_port) = GRPC;
    format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: interop}}
spec:
  gatewayClassName: xdp-gateway
  addresses: [{{type: IPAddress, value: {ADDRESS}}}]
  listeners:
  - {{name: web, port: {WEB}, protocol: HTTP}}
  - {{name: web-tls, port: {WEB_TLS}, protocol: HTTPS, tls: {{certificateRefs: [{{name: interop}}]}}}}
  - {{name: calls, port: {CALLS}, protocol: HTTP}}
  - {{name: calls-tls, port: {CALLS_TLS}, protocol: HTTPS, tls: {{certificateRefs: [{{name: interop}}]}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: interop}}
spec:
  parentRefs: [{{name: interop, sectionName: web}}, {{name: interop, sectionName: web-tls}}]
  rules: [{{backendRefs: [{{name: interop-web, port: 80}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {{name: interop}}
spec:
  parentRefs: [{{name: interop, sectionName: calls}}, {{name: interop, sectionName: calls-tls}}]
  rules:
  - matches:
    - method: {{service: grpc.testing.TestService}}
    - method: {{service: xds.service.orca.v3.OpenRcaService}}
    backendRefs: [{{name: interop-calls, port: 80}}]
---
apiVersion: v1
kind: Service
metadata: {{name: interop-web}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: interop-web-1, labels: {{kubernetes.io/service-name: interop-web}}}}
addressType: IPv4
ports: [{{port: {hyper_port}}}]
endpoints: [{{addresses: [{hyper}]}}]
---
apiVersion: v1
kind: Service
metadata: {{name: interop-calls}}
spec: {{ports: [{{port: 80, appProtocol: kubernetes.io/h2c}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: interop-calls-1, labels: {{kubernetes.io/service-name: interop-calls}}}}
addressType: IPv4
ports: [{{port: {grpc_port}}}]
endpoints: [{{addresses: [{grpc}]}}]
"
    )
}
