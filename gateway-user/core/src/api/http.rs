//! HTTPRoute rules and matches.

use std::sync::Arc;

use serde::Deserialize;

use super::{BackendRef, Filter, Object, Opaque, Open, RouteSpec, open::api_enum, route::Rule};

pub type HttpRoute = Object<RouteSpec<HttpRule>>;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRule {
    pub name: Option<Arc<str>>,
    /// Alternatives. Empty: the path prefix `/`.
    #[serde(default)]
    pub matches: Vec<HttpMatch>,
    #[serde(default)]
    pub filters: Vec<Filter>,
    #[serde(default)]
    pub backend_refs: Vec<BackendRef>,
    pub timeouts: Option<Opaque>,
    pub retry: Option<Opaque>,
    pub session_persistence: Option<Opaque>,
}

/// All parts must match.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpMatch {
    #[serde(default)]
    pub path: PathMatch,
    #[serde(default)]
    pub headers: Vec<ValueMatch>,
    #[serde(default)]
    pub query_params: Vec<ValueMatch>,
    pub method: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct PathMatch {
    #[serde(rename = "type")]
    pub kind: Open<PathMatchType>,
    pub value: Arc<str>,
}

api_enum! { pub PathMatchType {
    PathPrefix = "PathPrefix",
    Exact = "Exact",
    RegularExpression = "RegularExpression",
} }

/// A header or a query parameter.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ValueMatch {
    #[serde(rename = "type", default)]
    pub kind: Open<ValueMatchType>,
    pub name: Arc<str>,
    pub value: Arc<str>,
}

api_enum! { pub ValueMatchType { Exact = "Exact", RegularExpression = "RegularExpression" } }

impl Rule for HttpRule {
    fn default_rules() -> Vec<Self> {
        vec![Self::default()]
    }
}

impl Default for PathMatch {
    fn default() -> Self {
        Self {
            kind: Open::default(),
            value: "/".into(),
        }
    }
}
