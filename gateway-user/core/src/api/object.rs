//! What every Kubernetes object has: metadata and a spec.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use crate::{api::Unread, name::ObjectName};

/// Label and annotation maps.
pub type Labels = BTreeMap<String, String>;

/// An object of any kind; `S` is its `spec`, or its whole content for kinds without one, `T` what
/// we read of its `status`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(
    from = "Envelope<S, T>",
    bound = "S: Deserialize<'de>, T: Deserialize<'de> + Default"
)]
pub struct Object<S, T = Unread> {
    pub meta: Meta,
    pub spec: S,
    pub status: T,
}

/// `metadata`, as far as we use it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    pub name: Arc<str>,
    /// Empty for kinds without a namespace.
    pub namespace: Arc<str>,
    pub labels: Labels,
    pub annotations: Labels,
    /// 0 where the source does not count generations (files).
    pub generation: i64,
    /// Seconds since the epoch.
    pub created: Option<i64>,
    pub uid: Option<Arc<str>>,
}

/// The object as it is written; the reader has looked at `apiVersion` and `kind` before.
#[derive(Deserialize)]
#[serde(
    rename_all = "camelCase",
    bound = "S: Deserialize<'de>, T: Deserialize<'de> + Default"
)]
struct Envelope<S, T> {
    #[serde(rename = "apiVersion")]
    _api_version: Option<String>,
    #[serde(rename = "kind")]
    _kind: Option<String>,
    #[serde(default)]
    metadata: ObjectMeta,
    spec: S,
    #[serde(default)]
    status: T,
}

impl<S, T> Object<S, T> {
    pub fn name(&self) -> ObjectName {
        self.meta.object_name()
    }
}

impl Meta {
    pub fn object_name(&self) -> ObjectName {
        ObjectName::new(self.namespace.clone(), self.name.clone())
    }
}

impl<S, T> From<Envelope<S, T>> for Object<S, T> {
    fn from(raw: Envelope<S, T>) -> Self {
        Self {
            meta: raw.metadata.into(),
            spec: raw.spec,
            status: raw.status,
        }
    }
}

impl From<ObjectMeta> for Meta {
    fn from(meta: ObjectMeta) -> Self {
        Self {
            name: meta.name.unwrap_or_default().into(),
            namespace: meta.namespace.unwrap_or_default().into(),
            labels: meta.labels.unwrap_or_default(),
            annotations: meta.annotations.unwrap_or_default(),
            generation: meta.generation.unwrap_or_default(),
            created: meta.creation_timestamp.map(|time| time.0.as_second()),
            uid: meta.uid.map(Into::into),
        }
    }
}
