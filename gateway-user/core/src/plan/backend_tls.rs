//! TLS towards backends: what they must prove, and what is shown to them.

use std::sync::{Arc, LazyLock};

use rustls::{
    ClientConfig, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName},
    sign::{CertifiedKey, SingleCertAndKey},
};

use self::verifier::ByNames;
use super::HostPattern;

mod verifier;

/// How a backend is spoken to over TLS. Two are equal if they trust and show the same, so that one
/// may use the connections of the other.
#[derive(Debug)]
pub struct BackendTls {
    identity: Identity,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
    bytes: Arc<ClientConfig>,
}

/// What decides who may answer, and as whom.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Sent to the backend (RFC 6066 section 3).
    pub server_name: ServerName<'static>,
    pub authorities: Authorities,
    /// The certificate must have one of them; without any it must be for `server_name`.
    pub names: Vec<SubjectName>,
    /// Certificate and key to show where the backend asks for one.
    pub client: Option<Arc<CertifiedKey>>,
}

/// Who may have signed a backend's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorities {
    /// Those of Mozilla's programme as of this release: the same on every node, whatever its
    /// files are.
    System,
    Given(Arc<[CertificateDer<'static>]>),
}

/// A subject alternative name of a certificate (RFC 5280 section 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectName {
    Host(HostPattern),
    Uri(Arc<str>),
}

/// What is spoken inside of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    Http1,
    Http2,
    /// Whatever a client sends.
    Bytes,
}

static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

static SYSTEM: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
    Arc::new(RootCertStore { roots })
});

impl BackendTls {
    /// # Errors
    /// An authority is no certificate that can sign others, or there is none.
    pub fn new(identity: Identity) -> Result<Self, rustls::Error> {
        let roots = identity.authorities.roots()?;
        let verifier = identity.verifier(roots)?;
        let builder = ClientConfig::builder_with_provider(PROVIDER.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match &identity.client {
            None => builder.with_no_client_auth(),
            Some(key) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from((**key).clone())))
            }
        };
        let offering = |protocols: &[&str]| {
            let mut config = config.clone();
            let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
            config.alpn_protocols = protocols.collect();
            Arc::new(config)
        };
        Ok(Self {
            http1: offering(&["http/1.1"]),
            http2: offering(&["h2"]),
            bytes: offering(&[]),
            identity,
        })
    }

    /// The same, with another certificate to show.
    ///
    /// # Errors
    /// As [`BackendTls::new`].
    pub fn showing(&self, client: &Arc<CertifiedKey>) -> Result<Self, rustls::Error> {
        Self::new(Identity {
            client: Some(client.clone()),
            ..self.identity.clone()
        })
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub fn config(&self, inside: Inside) -> &Arc<ClientConfig> {
        match inside {
            Inside::Http1 => &self.http1,
            Inside::Http2 => &self.http2,
            Inside::Bytes => &self.bytes,
        }
    }
}

impl PartialEq for BackendTls {
    fn eq(&self, other: &Self) -> bool {
        let chain = |of: &Self| of.identity.client.as_ref().map(|key| key.cert.clone());
        let (a, b) = (&self.identity, &other.identity);
        a.server_name == b.server_name
            && a.names == b.names
            && a.authorities == b.authorities
            && chain(self) == chain(other)
    }
}

impl Authorities {
    fn roots(&self) -> Result<Arc<RootCertStore>, rustls::Error> {
        let given = match self {
            Self::System => return Ok(SYSTEM.clone()),
            Self::Given(given) => given,
        };
        let mut roots = RootCertStore::empty();
        for certificate in &**given {
            roots.add(certificate.clone())?;
        }
        Ok(Arc::new(roots))
    }
}

impl Identity {
    fn verifier(
        &self,
        roots: Arc<RootCertStore>,
    ) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        let web = WebPkiServerVerifier::builder_with_provider(roots.clone(), PROVIDER.clone())
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(match self.names.is_empty() {
            true => web,
            false => Arc::new(ByNames::new(web, roots, self.names.clone())),
        })
    }
}
