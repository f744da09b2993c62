//! Certificates of authorities, from ConfigMaps.

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::nearby;
use crate::{
    api::core_kinds::AUTHORITIES as KEY,
    name::ObjectName,
    verdict::{PolicyVerdict, hint},
    world::World,
};

/// Why a ConfigMap gives no authority.
pub(super) enum Fault {
    /// What is there instead.
    Missing(String),
    Malformed(String),
}

/// The certificates of a ConfigMap; at least one.
pub(super) fn load(world: &World, map: &ObjectName) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let Some(found) = world.config_maps.get(map) else {
        let names = nearby::in_namespace(&world.config_maps, map);
        return Err(Fault::Missing(hint::instead_in(
            &map.namespace,
            &map.name,
            names,
        )));
    };
    let Some(text) = &found.spec.authorities else {
        return Err(Fault::Malformed(format!("it has no {KEY}")));
    };
    parse(text).map_err(Fault::Malformed)
}

fn parse(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let certificates = certificates.map_err(|error| format!("{KEY} is not PEM: {error}"))?;
    if certificates.is_empty() {
        return Err(format!("{KEY} holds no PEM certificate"));
    }
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        roots
            .add(certificate.clone())
            .map_err(|error| format!("{KEY} holds no certificate of an authority: {error}"))?;
    }
    Ok(certificates)
}

impl Fault {
    pub(super) fn describe(self) -> String {
        match self {
            Self::Missing(hint) => format!("it does not exist ({hint}); create it"),
            Self::Malformed(why) => format!("{why}; replace it"),
        }
    }

    /// Of `caCertificateRefs[index]` of a BackendTLSPolicy.
    pub(super) fn of_policy(self, index: usize, map: ObjectName) -> PolicyVerdict {
        let command = hint::ca_map(&map);
        match self {
            Self::Missing(hint) => PolicyVerdict::CaMissing {
                index,
                map,
                hint,
                command,
            },
            Self::Malformed(why) => PolicyVerdict::CaMalformed {
                index,
                map,
                why,
                command,
            },
        }
    }
}
