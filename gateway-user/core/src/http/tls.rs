//! TLS of a frontend: which listener's certificate answers a server name.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    client::verify_server_name,
    crypto::aws_lc_rs,
    pki_types::ServerName,
    server::{ClientHello, ParsedCertificate, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::{clients, hosts::Hosts};
use crate::plan::{HostPattern, Tls};

/// Server names to certificates, by the same rules as hosts to listeners.
#[derive(Debug)]
struct Certificates(Hosts<Vec<Arc<CertifiedKey>>>);

/// `None` without listeners. Offers TLS 1.2 and 1.3, and the protocols `alpn`, the first first.
pub(super) fn server_config(
    listeners: impl Iterator<Item = (HostPattern, Tls)>,
    alpn: &[&str],
) -> Option<Arc<ServerConfig>> {
    let mut by_host = Hosts::default();
    let mut some = false;
    let mut asked = None;
    for (
        hostname,
        Tls {
            certificates,
            clients,
        },
    ) in listeners
    {
        by_host.entry(&hostname, || certificates);
        asked = asked.or(clients);
        some = true;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    // Fails only for a provider without cipher suites, which this one is not.
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.ok().filter(|_| some)?;
    let builder = match asked {
        None => builder.with_no_client_auth(),
        // Fails only without an authority, which no listener that is served is.
        Some(clients) => builder.with_client_cert_verifier(clients::verifier(&clients, provider)?),
    };
    let mut config = builder.with_cert_resolver(Arc::new(Certificates(by_host)));
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Some(Arc::new(config))
}

impl ResolvesServerCert for Certificates {
    /// No certificate (the handshake fails) where no listener takes the name: answering with
    /// another listener's certificate would break their isolation.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or_default().to_ascii_lowercase();
        let certificates = self.0.matching(&name).next()?;
        let usable =
            |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        let fitting = certificates
            .iter()
            .filter(usable)
            .find(|key| names(key, &name));
        fitting.or_else(|| certificates.first()).cloned()
    }
}

/// Whether a certificate is valid for a name.
fn names(key: &CertifiedKey, name: &str) -> bool {
    let certificate = key.end_entity_cert().ok();
    let parsed = certificate.and_then(|der| ParsedCertificate::try_from(der).ok());
    let name = ServerName::try_from(name).ok();
    parsed
        .zip(name)
        .is_some_and(|(parsed, name)| verify_server_name(&parsed, &name).is_ok())
}
