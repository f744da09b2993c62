//! Certificates in use, and for how long they are valid. Times are seconds since the epoch.

use std::{fmt, sync::Arc};

use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use x509_parser::parse_x509_certificate;

use crate::name::ObjectName;

/// A certificate that ends within so long is told of, if it is valid for long altogether.
const SOON: i64 = 14 * 24 * 60 * 60;
/// Of the time that it is valid for. Whatever renews certificates by itself does so well before: in
/// the last third of that time, as a rule.
const SOON_SHARE: i64 = 6;

/// A certificate that a Gateway uses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Certificate {
    pub gateway: ObjectName,
    pub used_for: UsedFor,
    pub secret: ObjectName,
    pub validity: Validity,
}

/// Who is shown it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UsedFor {
    /// Clients of the listener of this name, as in `HttpListener::name`.
    Listener(Arc<str>),
    /// Backends (`spec.tls.backend` of the Gateway).
    Backends,
}

/// When a chain is valid: from the latest beginning to the earliest end in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Validity {
    pub not_before: i64,
    pub not_after: i64,
}

/// What that means at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    NotYetValid,
    Valid,
    ExpiresSoon,
    Expired,
}

impl Validity {
    /// `None` where a certificate cannot be read. Certificates of authorities that are their own
    /// issuers do not count: clients use those that they have.
    pub fn of_chain(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let mut valid: Option<Self> = None;
        for (depth, der) in chain.iter().enumerate() {
            let (_, certificate) = parse_x509_certificate(der).ok()?;
            if depth > 0 && certificate.issuer() == certificate.subject() {
                continue;
            }
            let own = certificate.validity();
            let own = Self {
                not_before: own.not_before.timestamp(),
                not_after: own.not_after.timestamp(),
            };
            valid = Some(valid.map_or(own, |all| Self {
                not_before: all.not_before.max(own.not_before),
                not_after: all.not_after.min(own.not_after),
            }));
        }
        valid
    }

    pub fn phase(self, now: i64) -> Phase {
        let lifetime = self.not_after.saturating_sub(self.not_before);
        let soon = SOON.min(lifetime / SOON_SHARE);
        if now > self.not_after {
            Phase::Expired
        } else if now < self.not_before {
            Phase::NotYetValid
        } else if now >= self.not_after.saturating_sub(soon) {
            Phase::ExpiresSoon
        } else {
            Phase::Valid
        }
    }
}

impl fmt::Display for UsedFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener(name) => write!(f, "listener {name}"),
            Self::Backends => f.write_str("backends"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    const DAY: i64 = 24 * 60 * 60;
    /// Valid from 2026-01-01 to 2026-04-01, issued by the next.
    const LEAF: &str = include_str!("certificate/leaf.pem");
    /// Valid from 2026-01-11 to 2026-03-02, issued by the next.
    const INTERMEDIATE: &str = include_str!("certificate/intermediate.pem");
    /// Its own issuer; valid from 2025-01-01 to 2025-02-01.
    const ROOT: &str = include_str!("certificate/root.pem");

    fn validity(chain: &[&str]) -> Option<Validity> {
        let read = |text: &&str| CertificateDer::from_pem_slice(text.as_bytes()).unwrap();
        let chain: Vec<_> = chain.iter().map(read).collect();
        Validity::of_chain(&chain)
    }

    #[test]
    fn a_chain_is_valid_while_all_that_clients_need_of_it_is() {
        let year = 1_767_225_600; // 2026-01-01T00:00:00Z
        let leaf = Validity {
            not_before: year,
            not_after: year + 90 * DAY,
        };
        assert_eq!(validity(&[LEAF]), Some(leaf));
        let both = Validity {
            not_before: year + 10 * DAY,
            not_after: year + 60 * DAY,
        };
        assert_eq!(validity(&[LEAF, INTERMEDIATE]), Some(both));
        assert_eq!(validity(&[LEAF, INTERMEDIATE, ROOT]), Some(both));
        let own = validity(&[ROOT]).expect("a certificate of its own issuer");
        assert_eq!(own.not_after - own.not_before, 31 * DAY);
        assert_eq!(validity(&[]), None);
        let nonsense = CertificateDer::from(b"nonsense".to_vec());
        assert_eq!(Validity::of_chain(&[nonsense]), None);
    }

    #[test]
    fn soon_is_two_weeks_or_a_sixth_of_a_short_life() {
        let phase = |days, now| {
            let validity = Validity {
                not_before: 0,
                not_after: days * DAY,
            };
            validity.phase(now)
        };
        for (days, soon) in [(365, 14), (90, 14), (6, 1)] {
            let end = days * DAY;
            assert_eq!(phase(days, -1), Phase::NotYetValid);
            assert_eq!(phase(days, 0), Phase::Valid);
            assert_eq!(phase(days, end - soon * DAY - 1), Phase::Valid);
            assert_eq!(phase(days, end - soon * DAY), Phase::ExpiresSoon);
            assert_eq!(phase(days, end), Phase::ExpiresSoon);
            assert_eq!(phase(days, end + 1), Phase::Expired);
        }
    }
}
