//! TLS of a client that is the same whatever the server prefers.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use rustls::{
    CipherSuite, ClientConfig, NamedGroup, RootCertStore,
    client::Resumption,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    version::TLS13,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    protocol: &'static [u8],
}

impl Tls {
    /// One cipher suite and one group, which every server has, so that each computes the same; no
    /// resumption.
    pub(super) fn new(authority: &Path, name: &str, http2: bool) -> Result<Self> {
        let cannot = || format!("cannot read {}", authority.display());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(authority).with_context(cannot)? {
            roots.add(certificate.with_context(cannot)?)?;
        }
        let mut provider = aws_lc_rs::default_provider();
        let suite = CipherSuite::TLS13_AES_128_GCM_SHA256;
        provider.cipher_suites.retain(|has| has.suite() == suite);
        provider
            .kx_groups
            .retain(|has| has.name() == NamedGroup::X25519);
        let config = ClientConfig::builder_with_provider(Arc::new(provider));
        let config = config.with_protocol_versions(&[&TLS13])?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.resumption = Resumption::disabled();
        let protocol: &[u8] = if http2 { b"h2" } else { b"http/1.1" };
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(Self {
            connector: Arc::new(config).into(),
            name: name.to_owned().try_into()?,
            protocol,
        })
    }

    pub(super) async fn over(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>> {
        let stream = self.connector.connect(self.name.clone(), stream).await;
        let stream = stream.context("no TLS")?;
        let (_, connection) = stream.get_ref();
        let agreed = connection.alpn_protocol() == Some(self.protocol);
        ensure!(agreed, "the server did not agree to the version of HTTP");
        Ok(stream)
    }
}
