//! The certificate that all proxies show: ECDSA with P-256, signed by itself.

use anyhow::Result;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;

use super::{super::place::Place, manifests};

/// In PEM.
pub(super) struct Certificate {
    chain: String,
    key: String,
}

/// Paths.
pub(super) struct Files {
    pub(super) chain: String,
    pub(super) key: String,
    /// Both in one file.
    pub(super) both: String,
}

impl Certificate {
    /// For the first host. What rcgen makes without being asked is a key on P-256.
    pub(super) fn new() -> Result<Self> {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed([manifests::host(0)])?;
        Ok(Self {
            chain: cert.pem(),
            key: signing_key.serialize_pem(),
        })
    }

    pub(super) fn write(&self, place: &Place) -> Result<Files> {
        let Self { chain, key } = self;
        Ok(Files {
            chain: place.file("chain.pem", chain)?,
            key: place.file("key.pem", key)?,
            both: place.file("both.pem", &format!("{chain}{key}"))?,
        })
    }

    /// A manifest.
    pub(super) fn secret(&self, name: &str) -> String {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "default"},
            "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": self.chain, "tls.key": self.key},
        });
        format!("---\n{secret}\n")
    }
}
