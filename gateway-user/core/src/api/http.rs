//! HTTPRoute rules and matches.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    BackendRef, Filter, Object, Open, RouteSpec,
    open::api_enum,
    policy::{Retry, SessionPersistence, Timeouts},
    route::Rule,
};

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
    pub timeouts: Option<Timeouts>,
    pub retry: Option<Retry>,
    pub session_persistence: Option<SessionPersistence>,
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

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::{HttpRoute, PathMatchType};

    #[test]
    fn defaults_are_those_of_the_api() {
        let route: HttpRoute = from_value(json!({"spec": {}})).expect("a route");
        assert_eq!(route.spec.rules, [super::HttpRule::default()]);
        let rules = json!([{"matches": [{"headers": [{"name": "a", "value": "b"}]}],
                            "filters": [{"type": "RequestRedirect", "requestRedirect": {}}]}]);
        let route: HttpRoute = from_value(json!({"spec": {"rules": rules}})).expect("a route");
        let rule = &route.spec.rules[0];
        assert!(rule.matches[0].path.kind.is(PathMatchType::PathPrefix));
        assert_eq!(&*rule.matches[0].path.value, "/");
        assert_eq!(rule.matches[0].headers[0].kind.to_string(), "Exact");
        let redirect = rule.filters[0].request_redirect.as_ref();
        assert_eq!(redirect.map(|redirect| redirect.status_code), Some(302));
    }
}
