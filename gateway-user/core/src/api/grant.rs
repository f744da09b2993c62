//! ReferenceGrant: which objects of other namespaces may refer to objects of this one.

use std::sync::Arc;

use serde::Deserialize;

use super::Object;

pub type ReferenceGrant = Object<ReferenceGrantSpec>;

/// Each of `from` may refer to each of `to`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ReferenceGrantSpec {
    pub from: Vec<GrantFrom>,
    pub to: Vec<GrantTo>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GrantFrom {
    pub group: Arc<str>,
    pub kind: Arc<str>,
    pub namespace: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GrantTo {
    /// Empty: the core group.
    pub group: Arc<str>,
    pub kind: Arc<str>,
    /// `None`: every object of that kind.
    pub name: Option<Arc<str>>,
}
