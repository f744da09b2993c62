//! A certificate authority, what it signs, and backends that show it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use gateway_core::plan::{Authorities, BackendTls, Identity, SubjectName};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType, string::Ia5String,
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) struct Authority {
    pub(crate) root: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A backend with TLS; it answers with what it saw.
pub(crate) struct Secure {
    pub(crate) address: SocketAddr,
    /// Server names of the handshakes that came to an end.
    pub(crate) names: Arc<Mutex<Vec<String>>>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        Self { root, issuer }
    }

    /// A certificate for `names`; those with `://` are URIs.
    pub(crate) fn sign(&self, names: &[&str]) -> Arc<CertifiedKey> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names
            .iter()
            .map(|name| {
                let text = Ia5String::try_from(*name).unwrap();
                match name.contains("://") {
                    true => SanType::URI(text),
                    false => SanType::DnsName(text),
                }
            })
            .collect();
        let key = KeyPair::generate().unwrap();
        let made = params.signed_by(&key, &self.issuer).unwrap();
        let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let chain = vec![made.der().clone()];
        Arc::new(CertifiedKey::from_der(chain, der, &aws_lc_rs::default_provider()).unwrap())
    }

    /// What demands a certificate of this authority for `server_name`, or with one of `names`.
    pub(crate) fn demand(&self, server_name: &str, names: &[SubjectName]) -> Arc<BackendTls> {
        Arc::new(self.showing(server_name, names, None))
    }

    pub(crate) fn showing(
        &self,
        server_name: &str,
        names: &[SubjectName],
        client: Option<Arc<CertifiedKey>>,
    ) -> BackendTls {
        BackendTls::new(Identity {
            server_name: ServerName::try_from(server_name.to_owned()).unwrap(),
            authorities: Authorities::Given(vec![self.root.clone()].into()),
            names: names.to_vec(),
            client,
        })
        .unwrap()
    }
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

impl Secure {
    /// As [`acceptor`].
    pub(crate) async fn start(
        certificate: &Arc<CertifiedKey>,
        clients: Option<&Authority>,
    ) -> Self {
        let acceptor = acceptor(certificate, clients, &["h2", "http/1.1"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let names = Arc::new(Mutex::new(Vec::new()));
        let seen = names.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, seen) = (acceptor.clone(), seen.clone());
                tokio::spawn(async move {
                    // A client that refuses the certificate is what some tests are about.
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let (_, tls) = stream.get_ref();
                    let name = tls.server_name().unwrap_or_default().to_owned();
                    let alpn = tls.alpn_protocol().unwrap_or_default();
                    let http2 = alpn == b"h2";
                    let alpn = String::from_utf8_lossy(alpn).into_owned();
                    let shown = tls.peer_certificates().map_or(0, <[_]>::len);
                    seen.lock().unwrap().push(name.clone());
                    let text = format!("sni {name}, alpn {alpn}, {shown} certificates");
                    let service = service_fn(move |request| answer(text.clone(), request));
                    let io = TokioIo::new(stream);
                    // It ends when the proxy closes the connection.
                    let _ = match http2 {
                        true => {
                            let server = http2::Builder::new(TokioExecutor::new());
                            server.serve_connection(io, service).await
                        }
                        false => {
                            let server = http1::Builder::new();
                            server.serve_connection(io, service).await
                        }
                    };
                });
            }
        });
        Self { address, names }
    }

    pub(crate) fn handshakes(&self) -> usize {
        self.names.lock().unwrap().len()
    }
}

/// Shows `certificate`; `clients`: the authority whose certificates it demands.
pub(crate) fn acceptor(
    certificate: &Arc<CertifiedKey>,
    clients: Option<&Authority>,
    protocols: &[&str],
) -> TlsAcceptor {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone());
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.root.clone()).unwrap();
            let roots = Arc::new(roots);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let mut config = config.with_cert_resolver(Arc::new(Always(certificate.clone())));
    let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
    config.alpn_protocols = protocols.collect();
    TlsAcceptor::from(Arc::new(config))
}

async fn answer(
    text: String,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let scheme = request.uri().scheme_str().unwrap_or("-").to_owned();
    drop(request.into_body().collect().await?);
    Ok(Response::new(Full::from(format!(
        "{text}, scheme {scheme}\n"
    ))))
}
