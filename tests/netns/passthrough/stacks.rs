//! TLS of others: each client reaches each server by its name, and trusts it.

mod go;
mod rust;

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY, GATEWAY_V6, TlsRoute},
    process::Process,
    wait::wait_until,
};
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

use crate::tcp::LIMIT;

/// Role, address in both families.
const APP1: (&str, [&str; 2]) = ("app1", ["10.77.1.2", "2001:db8:78::2"]);
const APP2: (&str, [&str; 2]) = ("app2", ["10.77.2.2", "2001:db8:79::2"]);
const NODE: (&str, [&str; 2]) = ("node", ["10.77.0.1", "2001:db8:77::1"]);
/// Name, where it runs, its port.
type Place = (&'static str, (&'static str, [&'static str; 2]), u16);
const OPENSSL: Place = ("openssl", APP1, 8_441);
const PYTHON: Place = ("python", APP2, 8_442);
const RUSTLS: Place = ("rustls", NODE, 8_443);
const GO: Place = ("go", NODE, 8_444);
const HTTP: Place = ("http", APP1, 8_445);
const SERVERS: [Place; 5] = [OPENSSL, PYTHON, RUSTLS, GO, HTTP];

const STARTS: Duration = Duration::from_secs(20);
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/netns/passthrough/reverse.py");

/// A certificate that is its own authority, in memory and as files.
#[derive(Clone)]
struct Certificate {
    name: String,
    file: String,
    key_file: String,
    der: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    fn new(bed: &Bed, name: &str) -> Result<Self> {
        let key = KeyPair::generate()?;
        let made = CertificateParams::new([name.to_owned()])?.self_signed(&key)?;
        let write = |what: &str, text: String| -> Result<String> {
            let path = bed.net.dir().join(format!("{name}.{what}"));
            fs::write(&path, text)?;
            Ok(path.display().to_string())
        };
        Ok(Self {
            name: name.to_owned(),
            file: write("crt", made.pem())?,
            key_file: write("key", key.serialize_pem())?,
            der: made.der().to_vec(),
            key: key.serialize_der(),
        })
    }
}

/// Servers that turn lines around, until one says CLOSE; one for HTTP beside them.
struct Stacks {
    _servers: Vec<Process>,
    _rust: [rust::Background; 2],
    certificates: Vec<Certificate>,
    go: String,
    bed: Bed,
}

impl Stacks {
    fn new() -> Result<Self> {
        let bed = Bed::passthrough()?;
        let mut certificates = Vec::new();
        for (name, (_, addresses), port) in SERVERS {
            let host = format!("{name}.pass.example");
            bed.tls_service(name, &addresses, port)?;
            bed.tls_route(&TlsRoute {
                name: &format!("route-{name}"),
                listener: "through",
                hostnames: &[&host],
                backends: &[(name, 1)],
            })?;
            certificates.push(Certificate::new(&bed, &host)?);
        }
        let go = go::build(&bed)?;
        let [openssl, python, rustls, golang, http] = &certificates[..] else {
            anyhow::bail!("other servers");
        };
        let servers = vec![
            openssl_server(&bed, openssl)?,
            python_server(&bed, python)?,
            go::server(&bed, &go, golang)?,
        ];
        let rust = [
            rust::serve(&bed, RUSTLS, rustls, &[])?,
            rust::serve(&bed, HTTP, http, &["h2", "http/1.1"])?,
        ];
        Ok(Self {
            _servers: servers,
            _rust: rust,
            certificates,
            go,
            bed,
        })
    }

    /// The client of this name asks every server that turns lines around, by both addresses.
    fn ask(
        &self,
        client: &str,
        ask: impl Fn(&str, &Certificate, &str) -> Result<String>,
    ) -> Result<()> {
        for certificate in &self.certificates[..4] {
            let name = &certificate.name;
            for gateway in [GATEWAY, GATEWAY_V6] {
                let line = format!("{client} to {name}");
                let answer = ask(gateway, certificate, &line);
                let answer = answer.with_context(|| format!("{line} at {gateway}"))?;
                let wanted: String = line.chars().rev().collect();
                ensure!(answer.trim_end() == wanted, "{line} at {gateway}: {answer}");
            }
        }
        Ok(())
    }
}

fn openssl_server(bed: &Bed, certificate: &Certificate) -> Result<Process> {
    let (.., port) = OPENSSL;
    let (file, key) = (&certificate.file, &certificate.key_file);
    let arguments = format!("s_server -accept {port} -rev -cert {file} -key {key}");
    started(&bed.app1, "openssl", "openssl", &arguments, "ACCEPT")
}

fn python_server(bed: &Bed, certificate: &Certificate) -> Result<Process> {
    let (.., port) = PYTHON;
    let (file, key) = (&certificate.file, &certificate.key_file);
    let arguments = format!("{SCRIPT} serve {port} {file} {key}");
    started(&bed.app2, "python", "python3", &arguments, "listening")
}

/// A server that has said these words.
fn started(
    namespace: &gateway_tests::net::Namespace,
    name: &str,
    program: &str,
    arguments: &str,
    words: &str,
) -> Result<Process> {
    let mut server = Process::server(namespace, name, program, arguments.split(' '))?;
    let waited = wait_until(STARTS, "a server starts", || {
        server.expect_running()?;
        Ok(server.log().contains(words))
    });
    waited.with_context(|| server.log())?;
    Ok(server)
}

fn openssl(
    bed: &Bed,
    to: &str,
    certificate: &Certificate,
    line: &str,
    version: &str,
) -> Result<String> {
    let Certificate { name, file, .. } = certificate;
    let to = Bed::at(to, 443);
    let script = format!(
        "printf '{line}\\nCLOSE\\n' | openssl s_client -quiet -connect {to} -servername {name} \
         -verify_hostname {name} -verify_return_error -CAfile {file} {version}"
    );
    bed.client.run("timeout", ["10", "sh", "-c", &script])
}

/// A server of HTTP that curl speaks to; what it said, and the version.
fn curl(bed: &Bed, to: &str, certificate: &Certificate, version: &str) -> Result<(String, String)> {
    let Certificate { name, file, .. } = certificate;
    let to = match to.contains(':') {
        true => format!("[{to}]"),
        false => to.to_owned(),
    };
    let body = bed.net.dir().join("body");
    let said = bed.client.run(
        "curl",
        format!(
            "--silent --show-error --max-time 10 {version} --resolve {name}:443:{to} \
             --cacert {file} --data-binary @{} --write-out \n%{{http_version}} https://{name}/",
            body.display()
        )
        .split(' '),
    )?;
    let (said, version) = said.rsplit_once('\n').context("nothing")?;
    Ok((said.to_owned(), version.to_owned()))
}

#[test]
fn every_client_speaks_to_every_server() -> Result<()> {
    let stacks = Stacks::new()?;
    let bed = &stacks.bed;
    let _daemon = super::daemon(bed)?;
    let first = &stacks.certificates[0];
    wait_until(LIMIT, "the routes are in force", || {
        Ok(openssl(bed, GATEWAY, first, "x", "").is_ok())
    })?;
    for version in ["-tls1_2", "-tls1_3"] {
        stacks.ask("openssl", |to, server, line| {
            openssl(bed, to, server, line, version)
        })?;
    }
    stacks.ask("python", |to, server, line| {
        let arguments = [SCRIPT, "ask", to, "443", &server.name, &server.file, line];
        bed.client.run("python3", arguments)
    })?;
    stacks.ask("go", |to, server, line| {
        let arguments = ["ask", to, "443", &server.name, &server.file, line];
        bed.client.run(&stacks.go, arguments)
    })?;
    stacks.ask("rustls", |to, server, line| {
        rust::ask(bed, to, server, line)
    })
}

/// A listener that ends TLS, at the same port as one that does not.
const WEB: &str = "  listeners:
    - {name: web, port: 443, protocol: HTTPS, hostname: www.example.com, tls: {certificateRefs: [{name: web}]}}
    - {name: inside, port: 443, protocol: TLS, hostname: inside.example.com, tls: {certificateRefs: [{name: web}]}}
";

#[test]
fn http_of_both_versions_beside_a_listener_that_ends_tls() -> Result<()> {
    let stacks = Stacks::new()?;
    let bed = &stacks.bed;
    fs::write(bed.net.dir().join("body"), "0123456789".repeat(100_000))?;
    let [web, inside] = web(bed)?;
    let _daemon = super::daemon(bed)?;
    let through = &stacks.certificates[4];
    wait_until(LIMIT, "the routes are in force", || {
        Ok(curl(bed, GATEWAY, &web, "").is_ok())
    })?;
    for gateway in [GATEWAY, GATEWAY_V6] {
        for (version, wanted) in [("--http1.1", "1.1"), ("--http2", "2")] {
            let (said, used) = curl(bed, gateway, through, version)?;
            ensure!(used == wanted, "HTTP/{used}");
            ensure!(said == "0123456789".repeat(100_000), "{} bytes", said.len());
            // Ended at the gateway, with its own certificate.
            let (said, used) = curl(bed, gateway, &web, version)?;
            ensure!(used == wanted, "HTTP/{used}");
            ensure!(
                said.contains("\"version\":\"v1\"") || said.contains("\"version\": \"v1\""),
                "{said}"
            );
        }
        // Of the other listener that ends TLS, and no HTTP to the gateway.
        let (said, _) = curl(bed, gateway, &inside, "--http1.1")?;
        ensure!(
            said.contains("\"version\": \"v1\"") || said.contains("\"version\":\"v1\""),
            "{said}"
        );
    }
    Ok(())
}

/// Listeners and routes that end TLS, for HTTP and not; their certificate by both names.
fn web(bed: &Bed) -> Result<[Certificate; 2]> {
    let certificate = Certificate::new(bed, "*.example.com")?;
    bed.config.replace("gateway.yaml", "  listeners:\n", WEB)?;
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "web", "namespace": "default"},
        "type": "kubernetes.io/tls",
        "stringData": {
            "tls.crt": fs::read_to_string(&certificate.file)?,
            "tls.key": fs::read_to_string(&certificate.key_file)?,
        },
    });
    let route = |kind: &str, name: &str, host: &str| {
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "parentRefs": [{"name": "demo", "sectionName": name}],
                "hostnames": [host],
                "rules": [{"backendRefs": [{"name": "web-v1", "port": 80}]}],
            },
        })
    };
    let web = route("HTTPRoute", "web", "www.example.com");
    let inside = route("TLSRoute", "inside", "inside.example.com");
    bed.config.write(
        "web.yaml",
        &format!("{secret}\n---\n{web}\n---\n{inside}\n"),
    )?;
    Ok(
        ["www.example.com", "inside.example.com"].map(|name| Certificate {
            name: name.into(),
            ..certificate.clone()
        }),
    )
}
