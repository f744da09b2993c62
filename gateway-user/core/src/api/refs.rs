//! References from one object to another.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Filter, GROUP, Kind, number};
use crate::name::ObjectName;

/// What a route wants to be attached to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParentRef {
    #[serde(default = "gateway_group")]
    pub group: Arc<str>,
    #[serde(default = "gateway_kind")]
    pub kind: Arc<str>,
    /// `None`: the route's own namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Arc<str>>,
    pub name: Arc<str>,
    /// Name of a listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section_name: Option<Arc<str>>,
    #[serde(default, deserialize_with = "number::optional_port")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// The Gateway that a ListenerSet adds listeners to.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct GatewayRef {
    #[serde(default = "gateway_group")]
    pub group: Arc<str>,
    #[serde(default = "gateway_kind")]
    pub kind: Arc<str>,
    /// `None`: the ListenerSet's own namespace.
    pub namespace: Option<Arc<str>>,
    pub name: Arc<str>,
}

/// Where a rule sends traffic.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BackendRef {
    /// Empty: the core group.
    #[serde(default)]
    pub group: Arc<str>,
    #[serde(default = "service_kind")]
    pub kind: Arc<str>,
    /// `None`: the route's own namespace.
    pub namespace: Option<Arc<str>>,
    pub name: Arc<str>,
    #[serde(default, deserialize_with = "number::optional_port")]
    pub port: Option<u16>,
    /// 0 to 1,000,000, relative to the other backends of the rule.
    #[serde(
        default = "number::default_weight",
        deserialize_with = "number::weight"
    )]
    pub weight: u32,
    /// HTTPRoute and GRPCRoute only.
    #[serde(default)]
    pub filters: Vec<Filter>,
}

/// A backend that a filter names.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BackendObject {
    /// Empty: the core group.
    #[serde(default)]
    pub group: Arc<str>,
    #[serde(default = "service_kind")]
    pub kind: Arc<str>,
    /// `None`: the route's own namespace.
    pub namespace: Option<Arc<str>>,
    pub name: Arc<str>,
    #[serde(default, deserialize_with = "number::optional_port")]
    pub port: Option<u16>,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SecretRef {
    /// Empty: the core group.
    #[serde(default)]
    pub group: Arc<str>,
    #[serde(default = "secret_kind")]
    pub kind: Arc<str>,
    /// `None`: the namespace of the Gateway or ListenerSet.
    pub namespace: Option<Arc<str>>,
    pub name: Arc<str>,
}

/// `parametersRef` of a GatewayClass or a Gateway's infrastructure.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ParametersRef {
    pub group: Arc<str>,
    pub kind: Arc<str>,
    pub name: Arc<str>,
    pub namespace: Option<Arc<str>>,
}

impl ParentRef {
    /// `None`: not a kind that has listeners.
    pub fn parent(&self) -> Option<Kind> {
        let mut kinds = [Kind::Gateway, Kind::ListenerSet].into_iter();
        kinds.find(|kind| &*self.group == GROUP && &*self.kind == kind.as_str())
    }

    /// The referenced object, seen from a route in `namespace`.
    pub fn target(&self, namespace: &Arc<str>) -> ObjectName {
        target(self.namespace.as_ref(), namespace, &self.name)
    }
}

impl GatewayRef {
    pub fn is_gateway(&self) -> bool {
        &*self.group == GROUP && &*self.kind == "Gateway"
    }

    /// The referenced object, seen from a ListenerSet in `namespace`.
    pub fn target(&self, namespace: &Arc<str>) -> ObjectName {
        target(self.namespace.as_ref(), namespace, &self.name)
    }
}

impl BackendRef {
    pub fn is_service(&self) -> bool {
        self.group.is_empty() && &*self.kind == "Service"
    }

    /// The referenced object, seen from a route in `namespace`.
    pub fn target(&self, namespace: &Arc<str>) -> ObjectName {
        target(self.namespace.as_ref(), namespace, &self.name)
    }
}

impl From<&BackendObject> for BackendRef {
    fn from(source: &BackendObject) -> Self {
        Self {
            group: source.group.clone(),
            kind: source.kind.clone(),
            namespace: source.namespace.clone(),
            name: source.name.clone(),
            port: source.port,
            weight: number::default_weight(),
            filters: Vec::new(),
        }
    }
}

impl SecretRef {
    pub fn is_secret(&self) -> bool {
        self.group.is_empty() && &*self.kind == "Secret"
    }

    /// The referenced object, seen from a Gateway or ListenerSet in `namespace`.
    pub fn target(&self, namespace: &Arc<str>) -> ObjectName {
        target(self.namespace.as_ref(), namespace, &self.name)
    }
}

fn target(given: Option<&Arc<str>>, own: &Arc<str>, name: &Arc<str>) -> ObjectName {
    ObjectName::new(given.unwrap_or(own).clone(), name.clone())
}

fn gateway_group() -> Arc<str> {
    GROUP.into()
}

fn gateway_kind() -> Arc<str> {
    "Gateway".into()
}

fn service_kind() -> Arc<str> {
    "Service".into()
}

fn secret_kind() -> Arc<str> {
    "Secret".into()
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::{BackendRef, Kind, ParentRef, SecretRef};

    #[test]
    fn defaults_are_those_of_the_api() {
        let parent: ParentRef = from_value(json!({"name": "gw"})).expect("a parentRef");
        assert_eq!(parent.parent(), Some(Kind::Gateway));
        assert_eq!(parent.target(&"shop".into()).to_string(), "shop/gw");
        let backend: BackendRef = from_value(json!({"name": "web"})).expect("a backendRef");
        assert!(backend.is_service());
        assert_eq!((backend.port, backend.weight), (None, 1));
        let secret: SecretRef = from_value(json!({"name": "c", "namespace": "a"})).expect("a ref");
        assert!(secret.is_secret());
        assert_eq!(secret.target(&"shop".into()).to_string(), "a/c");
    }

    #[test]
    fn a_parent_ref_is_written_as_it_is_read() {
        let full = json!({"group": "g", "kind": "k", "namespace": "ns", "name": "n",
                          "sectionName": "s", "port": 80});
        let parent: ParentRef = from_value(full.clone()).expect("a parentRef");
        assert_eq!(to_value(parent).expect("JSON"), full);
    }
}
