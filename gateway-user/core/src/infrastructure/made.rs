//! Objects that we made, as the API server has them.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;

use super::Key;
use crate::api::Kind;

/// Label of what we make: the uid of its Gateway, which is also its owner.
pub const GATEWAY_UID: &str = "xdp-gateway.dev/gateway-uid";

/// An object of ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Made {
    /// `metadata.uid` of its Gateway.
    pub gateway: String,
    pub uid: String,
    pub resource_version: String,
    /// Somebody has deleted it, and somebody else's finalizer keeps it.
    pub deleting: bool,
    /// As the watch gave it last.
    pub object: Json,
}

/// All of them; cheap to copy.
pub type MadeObjects = BTreeMap<Key, Arc<Made>>;

impl Made {
    /// `None`: not of our making. Both the label and the owner have to say so.
    pub fn read(kind: Kind, object: &Json) -> Option<Self> {
        if !matches!(kind, Kind::Service | Kind::EndpointSlice) {
            return None;
        }
        let meta = &object["metadata"];
        let gateway = meta["labels"][GATEWAY_UID].as_str()?;
        let mut owners = meta["ownerReferences"].as_array()?.iter();
        let owns = |owner: &Json| {
            owner["kind"] == Kind::Gateway.as_str()
                && owner["uid"] == gateway
                && owner["controller"] == true
        };
        let text = |field: &str| meta[field].as_str().unwrap_or_default().to_owned();
        owners.any(owns).then(|| Self {
            gateway: gateway.to_owned(),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            deleting: !meta["deletionTimestamp"].is_null(),
            object: object.clone(),
        })
    }
}
