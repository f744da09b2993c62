//! TLS of a Gateway as a whole: towards backends, and what clients must show.

use std::sync::Arc;

use serde::Deserialize;

use super::{Open, number, open::api_enum, refs::SecretRef};
use crate::name::ObjectName;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct GatewayTls {
    pub backend: Option<BackendSide>,
    pub frontend: Option<FrontendSide>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendSide {
    /// Certificate to show to backends that ask for one.
    pub client_certificate_ref: Option<SecretRef>,
}

/// Of HTTPS listeners.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrontendSide {
    pub default: FrontendTls,
    /// Instead of the default, for the listeners of these ports.
    #[serde(default)]
    pub per_port: Vec<PortTls>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct FrontendTls {
    pub validation: Option<ClientValidation>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PortTls {
    #[serde(deserialize_with = "number::port")]
    pub port: u16,
    pub tls: FrontendTls,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientValidation {
    #[serde(rename = "caCertificateRefs")]
    pub ca_certificate_refs: Vec<ObjectRef>,
    #[serde(default)]
    pub mode: Open<ValidationMode>,
}

api_enum! { pub ValidationMode {
    AllowValidOnly = "AllowValidOnly",
    AllowInsecureFallback = "AllowInsecureFallback",
} }

/// An object of any kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ObjectRef {
    pub group: Arc<str>,
    pub kind: Arc<str>,
    pub name: Arc<str>,
    /// `None`: the Gateway's own namespace.
    pub namespace: Option<Arc<str>>,
}

impl FrontendSide {
    /// What clients of a port must show.
    pub fn of_port(&self, port: u16) -> Option<&ClientValidation> {
        let mut ports = self.per_port.iter();
        let own = ports.find(|own| own.port == port).map(|own| &own.tls);
        own.unwrap_or(&self.default).validation.as_ref()
    }

    /// Every validation, with the path of its field below `spec`.
    pub fn validations(&self) -> impl Iterator<Item = (String, &ClientValidation)> {
        let ports = self.per_port.iter().enumerate();
        let ports = ports.map(|(i, own)| (format!("perPort[{i}].tls"), &own.tls));
        let all = std::iter::once(("default".to_owned(), &self.default)).chain(ports);
        all.filter_map(|(at, tls)| {
            let validation = tls.validation.as_ref()?;
            Some((format!("tls.frontend.{at}.validation"), validation))
        })
    }
}

impl ObjectRef {
    /// The referenced object, seen from a Gateway in `namespace`.
    pub fn target(&self, namespace: &Arc<str>) -> ObjectName {
        let namespace = self.namespace.as_ref().unwrap_or(namespace);
        ObjectName::new(namespace.clone(), self.name.clone())
    }
}
