//! ListenerSet: listeners that somebody else than its owner adds to a Gateway (GEP-1713).

use serde::Deserialize;

use super::{Listener, Object, refs::GatewayRef};

pub type ListenerSet = Object<ListenerSetSpec>;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerSetSpec {
    pub parent_ref: GatewayRef,
    pub listeners: Vec<Listener>,
}

impl ListenerSet {
    /// What one of its listeners is called beside those of its Gateway and of other ListenerSets:
    /// `namespace/name/listener`. Names of listeners have no `/`.
    pub fn label(&self, listener: &str) -> String {
        format!("{}/{listener}", self.name())
    }
}
