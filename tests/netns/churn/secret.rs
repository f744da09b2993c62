//! A Secret whose certificate is replaced all the time.

use std::fs;

use anyhow::Result;
use gateway_tests::bed::Bed;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use serde_json::json;

/// What the Secret has in turn; each is its own authority.
pub(super) struct Certificates([CertifiedKey<KeyPair>; 2]);

impl Certificates {
    pub(super) fn new(host: &str) -> Result<Self> {
        let make = || generate_simple_self_signed([host.to_owned()]);
        Ok(Self([make()?, make()?]))
    }

    pub(super) fn put(&self, bed: &Bed, round: u32) -> Result<()> {
        let CertifiedKey { cert, signing_key } = self.of(round);
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "shop"},
            "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": cert.pem(), "tls.key": signing_key.serialize_pem()},
        });
        bed.config.write("secret.yaml", &secret.to_string())
    }

    /// A file for clients that trust all of them.
    pub(super) fn all(&self, bed: &Bed) -> Result<String> {
        let all: String = self.0.iter().map(|one| one.cert.pem()).collect();
        write(bed, "all.pem", &all)
    }

    /// A file for clients that trust only the one of this round.
    pub(super) fn only(&self, bed: &Bed, round: u32) -> Result<String> {
        write(bed, "only.pem", &self.of(round).cert.pem())
    }

    fn of(&self, round: u32) -> &CertifiedKey<KeyPair> {
        &self.0[round as usize % self.0.len()]
    }
}

fn write(bed: &Bed, file: &str, text: &str) -> Result<String> {
    let path = bed.net.dir().join(file);
    fs::write(&path, text)?;
    Ok(path.display().to_string())
}
