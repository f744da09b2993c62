//! Backends that leave: their connections have as long as the Gateway says that they came by.

use std::{io::ErrorKind, time::Duration};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{AFTER_HELLO, Bed, GATEWAYS},
    daemon::Daemon,
    wait::wait_until,
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};

use super::{NAMES, block_on, expect, listen, pair, rest};
use crate::{admin::sum, tcp::LIMIT};

/// Of our own servers.
const PORT: u16 = 9_444;
const APP1: [&str; 2] = ["10.77.1.2", "2001:db8:78::2"];
const APP2: [&str; 2] = ["10.77.2.2", "2001:db8:79::2"];
const NODE: [&str; 2] = ["10.77.0.1", "2001:db8:77::1"];
/// Much less than the time in which nobody is told of a connection that is not known.
const SOON: Duration = Duration::from_secs(3);

const PATIENT: &str = "10.77.0.101";
const MANIFEST: &str = r#"
apiVersion: xdp-gateway.dev/v1alpha1
kind: GatewayParameters
metadata: {name: hasty}
spec: {l4: {drainTimeout: 1s}}
---
apiVersion: xdp-gateway.dev/v1alpha1
kind: GatewayParameters
metadata: {name: patient}
spec: {l4: {drainTimeout: 24h}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: patient}
spec:
  gatewayClassName: xdp-gateway
  addresses: [{type: IPAddress, value: 10.77.0.101}]
  infrastructure: {parametersRef: {group: xdp-gateway.dev, kind: GatewayParameters, name: patient}}
  listeners:
  - {name: through, port: 443, protocol: TLS, hostname: '*.pass.example', tls: {mode: Passthrough}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: patient-app1}
spec:
  parentRefs: [{name: patient}]
  hostnames: [app1.pass.example]
  rules: [{backendRefs: [{name: app1, port: 443}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: patient-node}
spec:
  parentRefs: [{name: patient}]
  hostnames: [node.pass.example]
  rules: [{backendRefs: [{name: node, port: 443}]}]
"#;
/// Of the bed's own Gateway.
const CLASS: &str = "  gatewayClassName: xdp-gateway\n";
const HASTY: &str = "  infrastructure: {parametersRef: {group: xdp-gateway.dev, kind: \
                     GatewayParameters, name: hasty}}\n";

/// Two Gateways with the same names, which lead to our own servers.
fn bed() -> Result<(Bed, Daemon)> {
    let bed = Bed::passthrough()?;
    bed.config.write("patient.yaml", MANIFEST)?;
    bed.config
        .replace("gateway.yaml", CLASS, &format!("{CLASS}{HASTY}"))?;
    bed.tls_service("app1", &APP1, PORT)?;
    bed.tls_service("node", &NODE, PORT)?;
    let daemon = bed.daemon()?;
    Ok((bed, daemon))
}

/// Both ends say something, and hear it.
async fn goes_on((client, backend): &mut (TcpStream, TcpStream)) -> Result<()> {
    client.write_all(b"question").await?;
    expect(backend, b"question").await?;
    backend.write_all(b"answer").await?;
    expect(client, b"answer").await
}

/// What an end says is answered with a reset.
async fn is_told(end: &mut TcpStream) -> Result<()> {
    end.write_all(b"more").await?;
    let (bytes, end) = timeout(SOON, rest(end)).await.context("silence")??;
    ensure!(bytes.is_empty(), "{bytes:?}");
    ensure!(end == Some(ErrorKind::ConnectionReset), "{end:?}");
    Ok(())
}

#[test]
fn connections_to_a_backend_that_left_end_by_the_deadline_of_their_gateway() -> Result<()> {
    let (bed, daemon) = bed()?;
    block_on(async {
        let (mut short, mut long) = (Vec::new(), Vec::new());
        for (name, server) in NAMES {
            let listener = listen(&bed, server, &format!("[::]:{PORT}")).await?;
            for gateway in GATEWAYS {
                short.push(pair(&bed, &format!("{gateway}:443"), name, &listener).await?);
            }
            long.push(pair(&bed, &format!("{PATIENT}:443"), name, &listener).await?);
        }
        for (name, _) in NAMES {
            let service = name.split('.').next().context("a name")?;
            bed.tls_service(service, &APP2, AFTER_HELLO)?;
        }
        let count = short.len() as f64;
        wait_until(LIMIT, "all of one Gateway have had their time", || {
            let metrics = daemon.admin("/metrics")?;
            let drained = sum(&metrics, "xdp_gateway_l4_flows_drained_total", &[])?;
            Ok(drained == count)
        })?;
        for pair in &mut long {
            goes_on(pair).await?;
        }
        for (client, backend) in &mut short {
            is_told(client).await.context("the client")?;
            is_told(backend).await.context("the backend")?;
        }
        let metrics = daemon.admin("/metrics")?;
        for outcome in ["drained", "orphan"] {
            let label = format!("outcome=\"{outcome}\"");
            let packets = sum(&metrics, "xdp_gateway_tls_packets_total", &[&label])?;
            ensure!(packets >= count, "{packets} {outcome} of {count}");
        }
        let state = "state=\"drained\"";
        wait_until(LIMIT, "the next sweep counts them", || {
            let metrics = daemon.admin("/metrics")?;
            let drained = sum(&metrics, "xdp_gateway_tls_connections", &[state])?;
            Ok(drained == count)
        })?;
        for pair in &mut long {
            goes_on(pair).await.context("after another sweep")?;
        }
        Ok(())
    })
}
