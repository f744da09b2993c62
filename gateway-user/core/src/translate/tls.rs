//! Certificates of listeners.

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
    verdict::{ListenerVerdict, hint},
    world::World,
};

/// Keys of a Secret of type `kubernetes.io/tls`.
const CHAIN: &str = "tls.crt";
const KEY: &str = "tls.key";

/// The certificate that `certificateRefs[index]` of a listener names.
pub(super) fn load(
    world: &World,
    owner: Owner,
    index: usize,
    reference: &SecretRef,
) -> Result<Arc<CertifiedKey>, ListenerVerdict> {
    if !reference.is_secret() {
        let kind = format!("{} of group \"{}\"", reference.kind, reference.group);
        return Err(ListenerVerdict::CertificateKind { index, kind });
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
        return Err(ListenerVerdict::CertificateNotPermitted {
            index,
            secret,
            remedy,
        });
    }
    let Some(found) = world.secrets.get(&secret) else {
        return Err(missing(world, index, secret));
    };
    parse(&found.spec).map(Arc::new).map_err(|why| {
        let command = hint::tls_secret(&secret);
        ListenerVerdict::CertificateMalformed {
            index,
            secret,
            why,
            command,
        }
    })
}

fn missing(world: &World, index: usize, secret: ObjectName) -> ListenerVerdict {
    let names = nearby::in_namespace(&world.secrets, &secret);
    ListenerVerdict::CertificateMissing {
        index,
        hint: hint::instead_in(&secret.namespace, &secret.name, names),
        command: hint::tls_secret(&secret),
        secret,
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
