//! BackendTLSPolicy: how a backend is spoken to over TLS, and what its certificate must say.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use super::{Object, Open, open::api_enum};
use crate::name::ObjectName;

pub type BackendTlsPolicy = Object<BackendTlsPolicySpec>;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendTlsPolicySpec {
    pub target_refs: Vec<PolicyTarget>,
    pub validation: Validation,
    /// Implementation specific; we know none.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// An object of the policy's own namespace, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTarget {
    pub group: Arc<str>,
    pub kind: Arc<str>,
    pub name: Arc<str>,
    /// Name of a Service's port; `None`: every port.
    pub section_name: Option<Arc<str>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    #[serde(default, rename = "caCertificateRefs")]
    pub ca_certificate_refs: Vec<LocalRef>,
    #[serde(rename = "wellKnownCACertificates")]
    pub well_known: Option<Open<WellKnown>>,
    /// Sent as server name, and what the certificate must be for unless names are given.
    pub hostname: Arc<str>,
    #[serde(default)]
    pub subject_alt_names: Vec<SubjectAltName>,
}

api_enum! { pub WellKnown { System = "System" } }

/// An object of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LocalRef {
    pub group: Arc<str>,
    pub kind: Arc<str>,
    pub name: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SubjectAltName {
    #[serde(rename = "type")]
    pub kind: Open<SubjectAltNameType>,
    pub hostname: Option<Arc<str>>,
    pub uri: Option<Arc<str>>,
}

api_enum! { pub SubjectAltNameType { Hostname = "Hostname", Uri = "URI" } }

impl PolicyTarget {
    pub fn is_service(&self) -> bool {
        self.group.is_empty() && &*self.kind == "Service"
    }

    /// The target of a policy in `namespace`.
    pub fn target(&self, namespace: &Arc<str>) -> ObjectName {
        ObjectName::new(namespace.clone(), self.name.clone())
    }

    /// An empty name of a section is none.
    pub fn section(&self) -> Option<&Arc<str>> {
        self.section_name.as_ref().filter(|name| !name.is_empty())
    }
}

impl SubjectAltName {
    /// What it names, of the field that goes with its type.
    pub fn value(&self) -> Option<&Arc<str>> {
        let value = match self.kind.known()? {
            SubjectAltNameType::Hostname => self.hostname.as_ref(),
            SubjectAltNameType::Uri => self.uri.as_ref(),
        };
        value.filter(|value| !value.is_empty())
    }
}
