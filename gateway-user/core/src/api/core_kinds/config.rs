//! Secret and ConfigMap.

use std::{collections::BTreeMap, fmt, sync::Arc};

use k8s_openapi::api::core::v1 as core;

use crate::api::{Meta, Object, Unread};

/// The key of a ConfigMap that the API names.
pub const AUTHORITIES: &str = "ca.crt";

pub type Secret = Object<SecretData>;
pub type ConfigMap = Object<ConfigMapData>;

/// Content of a Secret, `stringData` merged into `data`. Values are never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretData {
    /// Such as `kubernetes.io/tls`; `Opaque` where it is not given.
    pub kind: Arc<str>,
    pub data: BTreeMap<String, Vec<u8>>,
}

/// Content of a ConfigMap, as far as anything may refer to it: clusters have many, and some are
/// written all the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigMapData {
    /// `ca.crt`: certificates of authorities, in PEM.
    pub authorities: Option<String>,
}

impl fmt::Debug for SecretData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.data.keys().collect::<Vec<_>>();
        let mut out = f.debug_struct("SecretData");
        out.field("kind", &self.kind).field("keys", &keys).finish()
    }
}

impl From<core::Secret> for Secret {
    fn from(raw: core::Secret) -> Self {
        let binary = raw.data.unwrap_or_default().into_iter();
        let text = raw.string_data.unwrap_or_default().into_iter();
        let data = binary
            .map(|(key, value)| (key, value.0))
            .chain(text.map(|(key, value)| (key, value.into_bytes())))
            .collect();
        let kind = raw.type_.as_deref().unwrap_or("Opaque").into();
        Self {
            meta: raw.metadata.into(),
            status: Unread,
            spec: SecretData { kind, data },
        }
    }
}

impl From<core::ConfigMap> for ConfigMap {
    fn from(raw: core::ConfigMap) -> Self {
        let text = raw.data.unwrap_or_default().remove(AUTHORITIES);
        let binary = || {
            let value = raw.binary_data.unwrap_or_default().remove(AUTHORITIES)?;
            String::from_utf8(value.0).ok()
        };
        let meta = Meta {
            name: raw.metadata.name.unwrap_or_default().into(),
            namespace: raw.metadata.namespace.unwrap_or_default().into(),
            ..Meta::default()
        };
        Self {
            meta,
            status: Unread,
            spec: ConfigMapData {
                authorities: text.or_else(binary),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1 as core;

    use super::Secret;

    #[test]
    fn string_data_wins_and_values_stay_out_of_logs() {
        let yaml = r#"{"metadata":{"name":"s"},"type":"kubernetes.io/tls",
            "data":{"tls.key":"b2xk","tls.crt":"Y3J0"},"stringData":{"tls.key":"hidden"}}"#;
        let raw: core::Secret = serde_json::from_str(yaml).expect("secret");
        let secret = Secret::from(raw);
        assert_eq!(secret.spec.data["tls.key"], b"hidden");
        assert_eq!(secret.spec.data["tls.crt"], b"crt");
        let shown = format!("{secret:?}");
        assert!(shown.contains(r#"keys: ["tls.crt", "tls.key"]"#), "{shown}");
        assert!(
            !shown.contains("hidden") && !shown.contains("104"),
            "{shown}"
        );
    }
}
