//! A Gateway with one listener, and a Service with one endpoint.

/// The Gateway's address.
pub(super) const ADDRESS: &str = "10.77.0.100";

/// The listener is a protocol, maybe with more fields, and a port. The Service is named `server`, and its port as the
/// listener's is; `endpoint` is where the backend is.
pub(super) fn gateway((protocol, port): (&str, u16), endpoint: (&str, u16)) -> String {
    let (address, target) = endpoint;
    format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: xdp-gateway}}
spec: {{controllerName: xdp-gateway.dev/controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: bench, namespace: default}}
spec:
  gatewayClassName: xdp-gateway
  addresses: [{{type: IPAddress, value: {ADDRESS}}}]
  listeners: [{{name: bench, protocol: {protocol}, port: {port}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: server, namespace: default}}
spec: {{ports: [{{name: bench, protocol: TCP, port: {port}, targetPort: {target}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: server-1, namespace: default, labels: {{kubernetes.io/service-name: server}}}}
addressType: IPv4
ports: [{{name: bench, protocol: TCP, port: {target}}}]
endpoints: [{{addresses: [{address}], conditions: {{ready: true}}}}]
"
    )
}
