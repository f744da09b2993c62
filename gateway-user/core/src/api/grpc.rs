//! GRPCRoute rules and matches.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    BackendRef, Filter, Object, Open, RouteSpec, http::ValueMatch, open::api_enum,
    policy::SessionPersistence, route::Rule,
};

pub type GrpcRoute = Object<RouteSpec<GrpcRule>>;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRule {
    pub name: Option<Arc<str>>,
    /// Alternatives. Empty: every call.
    #[serde(default)]
    pub matches: Vec<GrpcMatch>,
    #[serde(default)]
    pub filters: Vec<Filter>,
    #[serde(default)]
    pub backend_refs: Vec<BackendRef>,
    pub session_persistence: Option<SessionPersistence>,
}

/// All parts must match.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcMatch {
    pub method: Option<MethodMatch>,
    #[serde(default)]
    pub headers: Vec<ValueMatch>,
}

/// A service, a method, or both; what is not given may be any.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct MethodMatch {
    #[serde(rename = "type")]
    pub kind: Open<MethodMatchType>,
    pub service: Option<Arc<str>>,
    pub method: Option<Arc<str>>,
}

api_enum! { pub MethodMatchType { Exact = "Exact", RegularExpression = "RegularExpression" } }

impl Rule for GrpcRule {
    fn default_rules() -> Vec<Self> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::{GrpcRoute, MethodMatchType};

    #[test]
    fn defaults_are_those_of_the_api() {
        let route: GrpcRoute = from_value(json!({"spec": {}})).expect("a route");
        assert_eq!(route.spec.rules, []);
        let rules = json!([{"matches": [{"method": {"service": "a.B"}}]}]);
        let route: GrpcRoute = from_value(json!({"spec": {"rules": rules}})).expect("a route");
        let method = route.spec.rules[0].matches[0].method.as_ref();
        let method = method.expect("a method match");
        assert!(method.kind.is(MethodMatchType::Exact));
        assert_eq!(
            (method.service.as_deref(), &method.method),
            (Some("a.B"), &None)
        );
    }
}
