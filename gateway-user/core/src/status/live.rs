//! What the API server holds at present, of the objects whose status we write.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;

use crate::{api::Kind, name::ObjectName};

/// The present status of one object, as the API server delivered it last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// `apiVersion` that it was read with, such as `gateway.networking.k8s.io/v1`.
    pub api_version: String,
    /// `metadata.uid`: tells an object from its successor of the same name.
    pub uid: String,
    /// `metadata.resourceVersion`, opaque: compared for equality only.
    pub resource_version: String,
    /// `metadata.generation`: counts changes of `spec`.
    pub generation: i64,
    /// `status`, `null` if there is none. It may hold entries of other controllers and fields of a
    /// newer API, so it stays JSON.
    pub status: Json,
}

/// By kind and name, for every kind whose status we write; cheap to copy. A source keeps it up to
/// date beside the [`World`](crate::world::World).
pub type LiveStatuses = BTreeMap<(Kind, ObjectName), Arc<Live>>;
