//! What the clients of an HTTPS listener must show.

use super::{Scope, authority, grant::Reference};
use crate::{
    api::{
        Gateway, Open,
        gateway_tls::{ObjectRef, ValidationMode},
    },
    name::ObjectName,
    plan::Clients,
    verdict::{ListenerVerdict, hint},
};

/// `None`: nothing. Where authorities are asked for and none can be used, the listener is not
/// served (GEP-91).
pub(super) fn clients(
    scope: Scope,
    gateway: &Gateway,
    port: u16,
    verdicts: &mut Vec<ListenerVerdict>,
) -> Option<Clients> {
    let frontend = gateway.spec.tls.as_ref()?.frontend.as_ref()?;
    let validation = frontend.of_port(port)?;
    let required = match &validation.mode {
        Open::Known(ValidationMode::AllowValidOnly) => true,
        Open::Known(ValidationMode::AllowInsecureFallback) => false,
        Open::Unknown(mode) => {
            verdicts.push(ListenerVerdict::UnsupportedValue {
                field: "mode of the Gateway's spec.tls.frontend",
                value: mode.to_string(),
                allowed: hint::list(ValidationMode::NAMES),
            });
            true
        }
    };
    let mut authorities = Vec::new();
    for (index, reference) in validation.ca_certificate_refs.iter().enumerate() {
        match load(scope, gateway, index, reference) {
            Ok(certificates) => authorities.extend(certificates),
            Err(verdict) => verdicts.push(verdict),
        }
    }
    if authorities.is_empty() {
        verdicts.push(ListenerVerdict::NoClientCa);
    }
    Some(Clients {
        authorities: authorities.into(),
        required,
    })
}

fn load(
    scope: Scope,
    gateway: &Gateway,
    index: usize,
    reference: &ObjectRef,
) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, ListenerVerdict> {
    if !reference.group.is_empty() || &*reference.kind != "ConfigMap" {
        let kind = format!("{} of group \"{}\"", reference.kind, reference.group);
        return Err(ListenerVerdict::ClientCaKind { index, kind });
    }
    let namespace = &gateway.meta.namespace;
    let map: ObjectName = reference.target(namespace);
    let crossing = Reference {
        from_kind: "Gateway",
        from_namespace: namespace,
        to_kind: "ConfigMap",
        to: &map,
    };
    if !crossing.is_allowed(scope.world) {
        let remedy = hint::grant("Gateway", namespace, "ConfigMap", &map);
        return Err(ListenerVerdict::ClientCaNotPermitted { index, map, remedy });
    }
    authority::load(scope.world, &map).map_err(|fault| {
        let why = fault.describe();
        let command = hint::ca_map(&map);
        ListenerVerdict::ClientCa {
            index,
            map,
            why,
            command,
        }
    })
}
