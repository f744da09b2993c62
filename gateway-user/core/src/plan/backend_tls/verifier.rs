//! Certificates by their subject alternative names instead of the server name.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use webpki::EndEntityCert;

use super::{HostPattern, SubjectName};

/// Demands a trusted chain and one of the names.
#[derive(Debug)]
pub(super) struct ByNames {
    /// For signatures of handshakes.
    web: Arc<WebPkiServerVerifier>,
    roots: Arc<RootCertStore>,
    names: Vec<SubjectName>,
}

impl ByNames {
    pub(super) fn new(
        web: Arc<WebPkiServerVerifier>,
        roots: Arc<RootCertStore>,
        names: Vec<SubjectName>,
    ) -> Self {
        Self { web, roots, names }
    }
}

impl ServerCertVerifier for ByNames {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            now,
            algorithms.all,
        )?;
        let certificate = EndEntityCert::try_from(end_entity)
            .map_err(|_| Error::from(CertificateError::BadEncoding))?;
        let has = |name: &SubjectName| match name {
            SubjectName::Uri(uri) => certificate.valid_uri_names().any(|has| has == &**uri),
            SubjectName::Host(host) => is_for(&certificate, &parsed, host),
        };
        match self.names.iter().any(has) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::NotValidForName.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.web
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.web
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.web.supported_verify_schemes()
    }
}

/// A wildcard takes certificates for any name below it, or for the same wildcard.
fn is_for(
    certificate: &EndEntityCert<'_>,
    parsed: &ParsedCertificate<'_>,
    host: &HostPattern,
) -> bool {
    match host {
        HostPattern::Any => true,
        HostPattern::Exact(name) => ServerName::try_from(&**name)
            .is_ok_and(|name| verify_server_name(parsed, &name).is_ok()),
        HostPattern::Suffix(suffix) => certificate.valid_dns_names().any(|name| {
            let name = name.to_ascii_lowercase();
            let below = name.strip_suffix(&**suffix);
            below.is_some_and(|below| below.len() > 1 && below.ends_with('.'))
        }),
    }
}
