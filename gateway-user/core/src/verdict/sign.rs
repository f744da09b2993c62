//! What there is to tell of an object beside its conditions.

use k8s_openapi::jiff::Timestamp;

use crate::{
    name::ObjectName,
    plan::{Certificate, UsedFor, certificate::Phase},
};

/// Lasts for as long as it is so; becomes a Kubernetes Event of type Warning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignVerdict {
    /// `problem`: the field, what is wrong with it, and what to do.
    #[error("xdp-gateway cannot read this object: {problem}; {}", effect(*in_force))]
    Unreadable {
        problem: String,
        /// An earlier version of the object could be read.
        in_force: bool,
    },

    #[error(
        "the certificate in Secret \"{secret}\", for {used_for}, expired at {at}; it is shown all the \
         same, and whoever checks it refuses; {RENEW}"
    )]
    CertificateExpired {
        secret: ObjectName,
        used_for: UsedFor,
        /// In the form of RFC 3339.
        at: String,
    },

    #[error(
        "the certificate in Secret \"{secret}\", for {used_for}, expires at {at}, and nothing has \
         renewed it so far; {RENEW}"
    )]
    CertificateExpiresSoon {
        secret: ObjectName,
        used_for: UsedFor,
        at: String,
    },

    #[error(
        "the certificate in Secret \"{secret}\", for {used_for}, is valid from {at} on; until then \
         whoever checks it refuses; put one that is valid now into the Secret, and check the clock \
         of whatever made this one"
    )]
    CertificateNotYetValid {
        secret: ObjectName,
        used_for: UsedFor,
        at: String,
    },
}

const RENEW: &str = "put a new one into the Secret, which takes effect at once, or see what keeps its issuer from it";

impl SignVerdict {
    /// What there is to tell about a certificate at `now`, in seconds since the epoch; `None` while
    /// it is valid for long enough.
    pub fn of_certificate(certificate: &Certificate, now: i64) -> Option<Self> {
        let Certificate {
            secret,
            used_for,
            validity,
            ..
        } = certificate.clone();
        let phase = validity.phase(now);
        let at = match phase {
            Phase::NotYetValid => validity.not_before,
            Phase::Valid | Phase::ExpiresSoon | Phase::Expired => validity.not_after,
        };
        let at = Timestamp::from_second(at).unwrap_or_default().to_string();
        match phase {
            Phase::Valid => None,
            Phase::NotYetValid => Some(Self::CertificateNotYetValid {
                secret,
                used_for,
                at,
            }),
            Phase::ExpiresSoon => Some(Self::CertificateExpiresSoon {
                secret,
                used_for,
                at,
            }),
            Phase::Expired => Some(Self::CertificateExpired {
                secret,
                used_for,
                at,
            }),
        }
    }

    /// In `reason` of the Event.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "Unreadable",
            Self::CertificateExpired { .. } => "CertificateExpired",
            Self::CertificateExpiresSoon { .. } => "CertificateExpiresSoon",
            Self::CertificateNotYetValid { .. } => "CertificateNotYetValid",
        }
    }

    /// In `action` of the Event: what was done when it was found.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "Read",
            Self::CertificateExpired { .. }
            | Self::CertificateExpiresSoon { .. }
            | Self::CertificateNotYetValid { .. } => "CheckCertificate",
        }
    }
}

fn effect(in_force: bool) -> &'static str {
    if in_force {
        "what it said before stays in force until then"
    } else {
        "it has no effect until then"
    }
}
