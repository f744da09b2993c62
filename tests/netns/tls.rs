//! TLSRoutes and HTTPS with the client and the server of OpenSSL, a stack that is not ours.

use std::fs;

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    process::Process,
    wait::wait_until,
};

use crate::tcp::LIMIT;

const MANIFEST: &str = r#"
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: tls}
spec:
  gatewayClassName: xdp-gateway
  addresses: [{type: IPAddress, value: 10.77.0.101}]
  listeners:
  - {name: through, port: 443, protocol: TLS, hostname: through.example.com, tls: {mode: Passthrough}}
  - {name: inside, port: 443, protocol: TLS, hostname: inside.example.com, tls: {certificateRefs: [{name: gateway}]}}
  - {name: web, port: 443, protocol: HTTPS, hostname: www.example.com, tls: {certificateRefs: [{name: gateway}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: through}
spec:
  parentRefs: [{name: tls, sectionName: through}]
  hostnames: [through.example.com]
  rules: [{backendRefs: [{name: secure, port: 443}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: inside}
spec:
  parentRefs: [{name: tls, sectionName: inside}]
  hostnames: [inside.example.com]
  rules: [{backendRefs: [{name: plain, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: www}
spec:
  parentRefs: [{name: tls, sectionName: web}]
  rules: [{backendRefs: [{name: plain, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: secure}
spec: {ports: [{port: 443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: secure-1, labels: {kubernetes.io/service-name: secure}}
addressType: IPv4
ports: [{port: 8443}]
endpoints: [{addresses: [10.77.1.2]}]
---
apiVersion: v1
kind: Service
metadata: {name: plain}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: plain-1, labels: {kubernetes.io/service-name: plain}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.77.1.2]}]
---
apiVersion: v1
kind: Secret
metadata: {name: gateway}
type: kubernetes.io/tls
stringData:
  tls.crt: |
    CERTIFICATE
  tls.key: |
    KEY
"#;

/// Files of a certificate that is its own authority.
pub(crate) struct Files {
    certificate: String,
    key: String,
}

impl Files {
    /// The manifest with them in place of the words for them.
    pub(crate) fn put_into(&self, manifest: &str) -> Result<String> {
        let indented = |file: &str| -> Result<String> {
            Ok(fs::read_to_string(file)?.trim().replace('\n', "\n    "))
        };
        let (certificate, key) = (indented(&self.certificate)?, indented(&self.key)?);
        Ok(manifest
            .replace("CERTIFICATE\n", &format!("{certificate}\n"))
            .replace("KEY\n", &format!("{key}\n")))
    }
}

pub(crate) fn certificate(bed: &Bed, names: &[&str]) -> Result<Files> {
    let path = |what: &str| bed.net.dir().join(format!("{}.{what}", names[0]));
    let path = |what: &str| path(what).to_string_lossy().into_owned();
    let (certificate, key) = (path("crt"), path("key"));
    let names: Vec<_> = names.iter().map(|name| format!("DNS:{name}")).collect();
    let names = format!("subjectAltName={}", names.join(","));
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x -addext";
    let files = [&names, "-keyout", &key, "-out", &certificate];
    bed.node.run("openssl", arguments.split(' ').chain(files))?;
    Ok(Files { certificate, key })
}

/// What the server says to `GET /`, after a handshake in which the certificate was verified.
fn get(bed: &Bed, trusted: &Files, name: &str, version: &str) -> Result<String> {
    let script = format!(
        "printf 'GET / HTTP/1.0\\r\\nHost: {name}\\r\\n\\r\\n' | openssl s_client -quiet \
         -connect {GATEWAY}:443 -servername {name} -verify_hostname {name} -verify_return_error \
         -CAfile {} {version}",
        trusted.certificate
    );
    bed.client.run("sh", ["-c", &script])
}

#[test]
fn each_server_name_has_its_own_way() -> Result<()> {
    let bed = Bed::new()?;
    let server = certificate(&bed, &["through.example.com"])?;
    let gateway = certificate(&bed, &["www.example.com", "inside.example.com"])?;
    let arguments = format!(
        "s_server -accept 8443 -www -cert {} -key {}",
        server.certificate, server.key
    );
    let mut backend = Process::server(&bed.app1, "s_server", "openssl", arguments.split(' '))?;
    let manifest = gateway.put_into(MANIFEST)?;
    let manifest = manifest.replace("10.77.0.101", GATEWAY);
    bed.config.write("tls.yaml", &manifest)?;
    bed.config
        .remove("gateway.yaml")
        .context("the demo's own Gateway has the address")?;
    let class = "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\n\
                 metadata: {name: xdp-gateway}\nspec: {controllerName: xdp-gateway.dev/controller}\n";
    bed.config.write("class.yaml", class)?;
    let _daemon = bed.daemon()?;
    wait_until(LIMIT, "the backend takes connections", || {
        backend.expect_running()?;
        Ok(get(&bed, &server, "through.example.com", "").is_ok())
    })?;
    for version in ["-tls1_2", "-tls1_3"] {
        let said = get(&bed, &server, "through.example.com", version)?;
        ensure!(said.contains("s_server"), "not the backend: {said}");
        for name in ["inside.example.com", "www.example.com"] {
            let said = get(&bed, &gateway, name, version)?;
            ensure!(said.contains("\"version\": \"v1\""), "{name}: {said}");
        }
    }
    // Nobody answers for another name: not even with an alert.
    let script = format!(
        "openssl s_client -connect {GATEWAY}:443 -servername nobody.example.com </dev/null 2>&1; true"
    );
    let said = bed.client.run("sh", ["-c", &script])?;
    ensure!(said.contains("SSL handshake has read 0 bytes"), "{said}");
    Ok(())
}
