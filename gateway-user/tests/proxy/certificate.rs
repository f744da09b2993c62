//! Self-signed certificates, clients that trust them, and a server that has one.

use std::{net::SocketAddr, sync::Arc};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) key: Arc<CertifiedKey>,
    pub(crate) root: CertificateDer<'static>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key.clone())
    }
}

impl Certificate {
    pub(crate) fn for_name(name: &str) -> Self {
        Self::of(&CertificateParams::new([name.to_owned()]).unwrap())
    }

    /// One that nobody accepts any more.
    pub(crate) fn expired(name: &str) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 4, 1);
        Self::of(&params)
    }

    fn of(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let chain = vec![made.der().clone()];
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).unwrap();
        Self {
            key: Arc::new(key),
            root: made.der().clone(),
        }
    }

    /// The address of a server with this certificate that sends back what it gets.
    pub(crate) async fn echo(&self) -> SocketAddr {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap();
        let resolver = Arc::new(self.clone());
        let config = config.with_no_client_auth().with_cert_resolver(resolver);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let stream = acceptor.accept(stream).await.unwrap();
                let (mut read, mut write) = tokio::io::split(stream);
                tokio::spawn(async move {
                    // A client that goes away is what some tests are about.
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                    let _ = write.shutdown().await;
                });
            }
        });
        address
    }
}

/// A client that trusts these certificates only, each for its own name.
pub(crate) fn client(
    trusted: &[&Certificate],
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted.iter().map(|one| one.root.clone()));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_protocol_versions(versions).unwrap();
    config.with_root_certificates(roots).with_no_client_auth()
}

pub(crate) async fn connect(
    address: SocketAddr,
    trusted: &[&Certificate],
    name: &'static str,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let connector = TlsConnector::from(Arc::new(client(trusted, versions)));
    let name = ServerName::try_from(name).unwrap();
    connector.connect(name, stream).await
}

/// The first bytes of a client.
pub(crate) fn hello(name: &'static str) -> Vec<u8> {
    let config = Arc::new(client(&[], rustls::ALL_VERSIONS));
    let name = ServerName::try_from(name).unwrap();
    let mut bytes = Vec::new();
    let mut connection = ClientConnection::new(config, name).unwrap();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}
