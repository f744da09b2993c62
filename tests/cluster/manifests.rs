//! What more than one test applies.

/// Of the cluster's own images: an HTTP server at port 3000 that answers 200 to everything.
const IMAGE: &str = "registry.k8s.io/gateway-api/echo-basic:v1.6.0-dev.3";

/// A Gateway `web` with the listeners HTTP 80 and TCP 9000.
pub(crate) const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: xdp-gateway
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: tcp, port: 9000, protocol: TCP}
";

/// Everything of web's listener http goes to the Service echo, for app.example.com.
pub(crate) const HTTP_ROUTE: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app}
spec:
  parentRefs: [{name: web, sectionName: http}]
  hostnames: [app.example.com]
  rules:
  - backendRefs: [{name: echo, port: 80}]
";

/// Everything of web's listener tcp goes to the Service echo.
pub(crate) const TCP_ROUTE: &str = "
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: {name: app}
spec:
  parentRefs: [{name: web, sectionName: tcp}]
  rules:
  - backendRefs: [{name: echo, port: 80}]
";

/// The Service echo and its Deployment. A pod that is to end goes on for a few seconds, as one that
/// wants to lose no connection has to.
pub(crate) fn echo(replicas: usize) -> String {
    server("echo", replicas, "{}")
}

/// The Service echo-NODE, and its one pod on that node.
pub(crate) fn echo_on(node: &str) -> String {
    let selector = format!("{{kubernetes.io/hostname: {node}}}");
    server(&format!("echo-{node}"), 1, &selector)
}

fn server(name: &str, replicas: usize, nodes: &str) -> String {
    format!(
        "
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{app: {name}}}
  ports: [{{port: 80, targetPort: 3000}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      nodeSelector: {nodes}
      terminationGracePeriodSeconds: 20
      containers:
      - name: echo
        image: {IMAGE}
        imagePullPolicy: Never
        lifecycle: {{preStop: {{sleep: {{seconds: 5}}}}}}
        readinessProbe: {{httpGet: {{path: /, port: 3000}}, periodSeconds: 1}}
        env:
        - {{name: POD_NAME, valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}}}
        - {{name: NAMESPACE, valueFrom: {{fieldRef: {{fieldPath: metadata.namespace}}}}}}
"
    )
}

/// Documents of one file.
pub(crate) fn all(documents: &[&str]) -> String {
    documents.join("\n---\n")
}
