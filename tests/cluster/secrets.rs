//! A Secret with a broken certificate breaks its own listener and no other of the port.

use std::{
    fs,
    io::Write as _,
    net::IpAddr,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::wait::wait_until;
use serde_json::Value as Json;

use super::{
    bed::{Cluster, LIMIT, output},
    manifests::{all, echo},
};

const HTTPS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: xdp-gateway
  listeners:
  - name: good
    port: 443
    protocol: HTTPS
    hostname: good.example.com
    tls: {certificateRefs: [{name: good}]}
  - name: other
    port: 443
    protocol: HTTPS
    hostname: other.example.com
    tls: {certificateRefs: [{name: other}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app}
spec:
  parentRefs: [{name: web}]
  rules:
  - backendRefs: [{name: echo, port: 80}]
";

#[test]
fn a_broken_certificate_breaks_its_listener_only() -> Result<()> {
    let cluster = Cluster::new("secrets")?;
    for name in ["good", "other"] {
        make_certificate(&cluster, name)?;
        create_secret(&cluster, name, &format!("{name}.crt"))?;
    }
    cluster.apply(&all(&[&echo(1), HTTPS]))?;
    let address = cluster.gateway("web")?;
    cluster.rolled_out("deployment/echo")?;
    for name in ["good", "other"] {
        answers(&cluster, address, name)?;
    }

    let (stop, failed) = (AtomicBool::new(false), AtomicBool::new(false));
    let asked = thread::scope(|scope| {
        let good = scope.spawn(|| {
            let mut asked = 0;
            while !stop.load(Ordering::Relaxed) {
                asked += 1;
                if !matches!(https(&cluster, address, "good"), Ok(true)) {
                    failed.store(true, Ordering::Relaxed);
                }
            }
            asked
        });
        let done = break_and_mend(&cluster, address);
        stop.store(true, Ordering::Relaxed);
        let asked = good
            .join()
            .map_err(|_| anyhow::anyhow!("the client panicked"));
        done.and(asked)
    })?;
    ensure!(asked > 0, "nobody asked");
    ensure!(
        !failed.load(Ordering::Relaxed),
        "the other listener failed in between"
    );
    Ok(())
}

fn break_and_mend(cluster: &Cluster, address: IpAddr) -> Result<()> {
    fs::write(cluster.dir.path().join("broken.crt"), "no certificate\n")?;
    create_secret(cluster, "other", "broken.crt")?;
    let said = wait_until_resolved(cluster, "False")?;
    ensure!(said["reason"] == "InvalidCertificateRef", "{said}");
    let message = said["message"].as_str().unwrap_or_default();
    ensure!(
        message.contains("other"),
        "the message names no Secret: {said}"
    );
    wait_until(LIMIT, "the broken listener answers no more", || {
        Ok(!https(cluster, address, "other")?)
    })?;
    create_secret(cluster, "other", "other.crt")?;
    wait_until_resolved(cluster, "True")?;
    answers(cluster, address, "other")
}

/// The condition ResolvedRefs of the listener `other`, once it has this status.
fn wait_until_resolved(cluster: &Cluster, status: &str) -> Result<Json> {
    let mut found = Json::Null;
    let what = format!("ResolvedRefs of the listener is {status}");
    wait_until(LIMIT, &what, || {
        let gateway = cluster.get("gateway/web")?;
        let list = |value: &Json| value.as_array().cloned().unwrap_or_default();
        let listeners = list(&gateway["status"]["listeners"]).into_iter();
        let other = listeners.filter(|listener| listener["name"] == "other");
        let mut conditions = other.flat_map(|listener| list(&listener["conditions"]));
        found = conditions
            .find(|c| c["type"] == "ResolvedRefs")
            .unwrap_or_default();
        Ok(found["status"] == status)
    })?;
    Ok(found)
}

/// Makes NAME.key and NAME.crt, signed by itself, for NAME.example.com.
fn make_certificate(cluster: &Cluster, name: &str) -> Result<()> {
    let host = format!("{name}.example.com");
    let mut command = Command::new("openssl");
    command.current_dir(cluster.dir.path());
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]);
    command.args(["-nodes", "-days", "2", "-subj", &format!("/CN={host}")]);
    command.args(["-addext", &format!("subjectAltName=DNS:{host}")]);
    command.args([
        "-keyout",
        &format!("{name}.key"),
        "-out",
        &format!("{name}.crt"),
    ]);
    output(&mut command).map(drop)
}

/// Creates or replaces a Secret with the key of that name and a certificate file.
fn create_secret(cluster: &Cluster, name: &str, certificate: &str) -> Result<()> {
    let dir = cluster.dir.path();
    // Not `kubectl create secret tls`: that one reads the certificate.
    let key = format!(
        "--from-file=tls.key={}",
        dir.join(format!("{name}.key")).display()
    );
    let certificate = format!("--from-file=tls.crt={}", dir.join(certificate).display());
    let secret = cluster.kubectl(&[
        "create",
        "secret",
        "generic",
        name,
        "--type=kubernetes.io/tls",
        &key,
        &certificate,
        "--dry-run=client",
        "-o",
        "json",
    ])?;
    cluster.apply(&secret)
}

fn answers(cluster: &Cluster, address: IpAddr, name: &str) -> Result<()> {
    let what = format!("{name}.example.com answers");
    wait_until(LIMIT, &what, || https(cluster, address, name)).map(drop)
}

/// Whether a request on a new connection, whose certificate is verified, is answered with 200.
fn https(cluster: &Cluster, address: IpAddr, name: &str) -> Result<bool> {
    let host = format!("{name}.example.com");
    let mut client = cluster.client.command("openssl");
    client.args([
        "s_client",
        "-quiet",
        "-verify_return_error",
        "-verify_hostname",
        &host,
    ]);
    client.args([
        "-connect",
        &format!("{address}:443"),
        "-servername",
        &host,
        "-CAfile",
    ]);
    client.arg(cluster.dir.path().join(format!("{name}.crt")));
    client
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut client = client.spawn().context("cannot start openssl")?;
    if let Some(mut input) = client.stdin.take() {
        // Fails where the handshake has failed, which the answer shows.
        let _ = write!(
            input,
            "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        );
    }
    let answer = client.wait_with_output()?;
    Ok(answer.stdout.starts_with(b"HTTP/1.1 200 "))
}
