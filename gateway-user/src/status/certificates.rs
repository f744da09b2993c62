//! Certificates in use, and for how long they are valid.

use gateway_core::plan::{Certificate, Validity, certificate::Phase};
use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::table::Table;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRow {
    /// Namespace and name.
    pub gateway: String,
    /// `listener https`, or `backends`.
    pub used_for: String,
    /// Namespace and name.
    pub secret: String,
    /// In the form of RFC 3339.
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

impl CertificateRow {
    pub fn new(certificate: &Certificate) -> Self {
        let time = |seconds| Timestamp::from_second(seconds).unwrap_or_default();
        let Validity {
            not_before,
            not_after,
        } = certificate.validity;
        Self {
            gateway: certificate.gateway.to_string(),
            used_for: certificate.used_for.to_string(),
            secret: certificate.secret.to_string(),
            not_before: time(not_before),
            not_after: time(not_after),
        }
    }

    fn note(&self, now: Timestamp) -> &'static str {
        let validity = Validity {
            not_before: self.not_before.as_second(),
            not_after: self.not_after.as_second(),
        };
        match validity.phase(now.as_second()) {
            Phase::Valid => "",
            Phase::NotYetValid => "not valid yet",
            Phase::ExpiresSoon => "expires soon",
            Phase::Expired => "expired",
        }
    }
}

/// As they are at `now`.
pub(super) fn table(certificates: &[CertificateRow], now: Timestamp) -> Table<5> {
    let mut table = Table::new(["CERTIFICATE", "GATEWAY", "USED FOR", "VALID UNTIL", "NOTE"]);
    table.extend(certificates.iter().map(|row| {
        [
            row.secret.clone(),
            row.gateway.clone(),
            row.used_for.clone(),
            row.not_after.to_string(),
            row.note(now).to_owned(),
        ]
    }));
    table
}
