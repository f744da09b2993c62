//! Certificates with their keys, from Secrets.

use std::sync::Arc;

use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use super::{grant::Reference, nearby, owner::Owner};
use crate::{
    api::{core_kinds::SecretData, refs::SecretRef},
    name::ObjectName,
    plan::{Certificate, UsedFor, Validity},
    verdict::{GatewayVerdict, ListenerVerdict, hint},
    world::World,
};

/// Keys of a Secret of type `kubernetes.io/tls`.
const CHAIN: &str = "tls.crt";
const KEY: &str = "tls.key";

/// A certificate with its key, and where they are from.
#[derive(Clone)]
pub(super) struct Credential {
    pub secret: ObjectName,
    pub key: Arc<CertifiedKey>,
}

/// Why a reference gives no certificate.
pub(super) enum Fault {
    Kind(String),
    NotPermitted { secret: ObjectName, remedy: String },
    Missing { secret: ObjectName, hint: String },
    Malformed { secret: ObjectName, why: String },
}

/// The certificate that a reference of `owner` names.
pub(super) fn find(
    world: &World,
    owner: Owner,
    reference: &SecretRef,
) -> Result<Credential, Fault> {
    if !reference.is_secret() {
        let kind = format!("{} of group \"{}\"", reference.kind, reference.group);
        return Err(Fault::Kind(kind));
    }
    let secret = reference.target(owner.namespace());
    let crossing = Reference {
        from_kind: owner.kind().as_str(),
        from_namespace: owner.namespace(),
        to_kind: "Secret",
        to: &secret,
    };
    if !crossing.is_allowed(world) {
        let remedy = hint::grant(
            crossing.from_kind,
            crossing.from_namespace,
            "Secret",
            &secret,
        );
        return Err(Fault::NotPermitted { secret, remedy });
    }
    let Some(found) = world.secrets.get(&secret) else {
        let names = nearby::in_namespace(&world.secrets, &secret);
        let hint = hint::instead_in(&secret.namespace, &secret.name, names);
        return Err(Fault::Missing { secret, hint });
    };
    match parse(&found.spec) {
        Ok(key) => Ok(Credential {
            secret,
            key: Arc::new(key),
        }),
        Err(why) => Err(Fault::Malformed { secret, why }),
    }
}

impl Credential {
    /// For the plan; `None` if it cannot be read how long it is valid.
    pub(super) fn in_use(&self, gateway: &ObjectName, used_for: UsedFor) -> Option<Certificate> {
        Some(Certificate {
            gateway: gateway.clone(),
            used_for,
            secret: self.secret.clone(),
            validity: Validity::of_chain(&self.key.cert)?,
        })
    }
}

impl Fault {
    /// Of `certificateRefs[index]` of a listener.
    pub(super) fn of_listener(self, index: usize) -> ListenerVerdict {
        match self {
            Self::Kind(kind) => ListenerVerdict::CertificateKind { index, kind },
            Self::NotPermitted { secret, remedy } => ListenerVerdict::CertificateNotPermitted {
                index,
                secret,
                remedy,
            },
            Self::Missing { secret, hint } => ListenerVerdict::CertificateMissing {
                index,
                hint,
                command: hint::tls_secret(&secret),
                secret,
            },
            Self::Malformed { secret, why } => ListenerVerdict::CertificateMalformed {
                index,
                why,
                command: hint::tls_secret(&secret),
                secret,
            },
        }
    }

    /// Of the certificate that a Gateway shows to backends.
    pub(super) fn of_gateway(self) -> GatewayVerdict {
        let why = match self {
            Self::NotPermitted { secret, remedy } => {
                return GatewayVerdict::ClientCertificateNotPermitted { secret, remedy };
            }
            Self::Kind(kind) => format!("names a {kind}; only Secret (group \"\") is supported"),
            Self::Missing { secret, hint } => {
                let command = hint::tls_secret(&secret);
                format!("Secret \"{secret}\" does not exist ({hint}); create it: {command}")
            }
            Self::Malformed { secret, why } => {
                let command = hint::tls_secret(&secret);
                format!("Secret \"{secret}\": {why}; replace it: {command}")
            }
        };
        GatewayVerdict::ClientCertificate { why }
    }
}

/// Reads chain and key, and checks that they belong together.
fn parse(secret: &SecretData) -> Result<CertifiedKey, String> {
    let part = |name: &str| {
        secret
            .data
            .get(name)
            .ok_or_else(|| format!("it has no {name}"))
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(part(CHAIN)?).collect();
    let chain = chain.map_err(|error| format!("{CHAIN} is not PEM: {error}"))?;
    if chain.is_empty() {
        return Err(format!("{CHAIN} holds no PEM certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(part(KEY)?)
        .map_err(|error| format!("{KEY} holds no PEM private key: {error}"))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| format!("{CHAIN} and {KEY} cannot be used together: {error}"))
}
