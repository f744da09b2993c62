//! The set of objects we read, by name: what translation starts from.

mod endpoints;
mod fields;
mod files;
mod node;
pub mod object;
mod problem;
mod read;
mod typed;
mod yaml;

use std::{collections::BTreeMap, fmt, sync::Arc};

pub use self::{
    files::FileSet,
    problem::{Place, Problem, Severity},
    read::{Content, Placed, read},
};
use crate::{
    api::{
        ConfigMap, EndpointSlice, Gateway, GatewayClass, HttpRoute, Kind, Meta, Namespace,
        ReferenceGrant, Secret, Service, TcpRoute, UdpRoute, object::Labels,
    },
    name::ObjectName,
};

/// Label that Kubernetes puts on every Namespace.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Objects by name. Maps are ordered, so that equal sets give equal plans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub classes: BTreeMap<Arc<str>, GatewayClass>,
    pub gateways: BTreeMap<ObjectName, Gateway>,
    pub http_routes: BTreeMap<ObjectName, HttpRoute>,
    pub tcp_routes: BTreeMap<ObjectName, TcpRoute>,
    pub udp_routes: BTreeMap<ObjectName, UdpRoute>,
    pub grants: BTreeMap<ObjectName, ReferenceGrant>,
    pub namespaces: BTreeMap<Arc<str>, Namespace>,
    pub services: BTreeMap<ObjectName, Service>,
    pub secrets: BTreeMap<ObjectName, Secret>,
    pub config_maps: BTreeMap<ObjectName, ConfigMap>,
    /// By their own names; [`World::endpoints`] joins them with a plan.
    pub slices: BTreeMap<ObjectName, EndpointSlice>,
}

/// One object that we read.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    GatewayClass(GatewayClass),
    Gateway(Gateway),
    HttpRoute(HttpRoute),
    TcpRoute(TcpRoute),
    UdpRoute(UdpRoute),
    ReferenceGrant(ReferenceGrant),
    Namespace(Namespace),
    Service(Service),
    EndpointSlice(EndpointSlice),
    Secret(Secret),
    ConfigMap(ConfigMap),
}

impl World {
    /// Adds an object, or replaces the one of that kind and name.
    pub fn insert(&mut self, item: Item) {
        match item {
            Item::GatewayClass(o) => drop(self.classes.insert(o.meta.name.clone(), o)),
            Item::Gateway(o) => drop(self.gateways.insert(o.name(), o)),
            Item::HttpRoute(o) => drop(self.http_routes.insert(o.name(), o)),
            Item::TcpRoute(o) => drop(self.tcp_routes.insert(o.name(), o)),
            Item::UdpRoute(o) => drop(self.udp_routes.insert(o.name(), o)),
            Item::ReferenceGrant(o) => drop(self.grants.insert(o.name(), o)),
            Item::Namespace(o) => drop(self.namespaces.insert(o.meta.name.clone(), o)),
            Item::Service(o) => drop(self.services.insert(o.name(), o)),
            Item::EndpointSlice(o) => drop(self.slices.insert(o.name(), o)),
            Item::Secret(o) => drop(self.secrets.insert(o.name(), o)),
            Item::ConfigMap(o) => drop(self.config_maps.insert(o.name(), o)),
        }
    }

    /// Labels of a namespace. One without an object of its own still has its name as a label.
    pub fn namespace_labels(&self, name: &str) -> Labels {
        let given = self.namespaces.get(name);
        let mut labels = given.map(|ns| ns.meta.labels.clone()).unwrap_or_default();
        labels.insert(NAMESPACE_NAME.to_owned(), name.to_owned());
        labels
    }
}

impl FromIterator<Item> for World {
    fn from_iter<I: IntoIterator<Item = Item>>(items: I) -> Self {
        let mut world = Self::default();
        items.into_iter().for_each(|item| world.insert(item));
        world
    }
}

impl Item {
    pub fn kind(&self) -> Kind {
        match self {
            Self::GatewayClass(_) => Kind::GatewayClass,
            Self::Gateway(_) => Kind::Gateway,
            Self::HttpRoute(_) => Kind::HttpRoute,
            Self::TcpRoute(_) => Kind::TcpRoute,
            Self::UdpRoute(_) => Kind::UdpRoute,
            Self::ReferenceGrant(_) => Kind::ReferenceGrant,
            Self::Namespace(_) => Kind::Namespace,
            Self::Service(_) => Kind::Service,
            Self::EndpointSlice(_) => Kind::EndpointSlice,
            Self::Secret(_) => Kind::Secret,
            Self::ConfigMap(_) => Kind::ConfigMap,
        }
    }

    pub fn meta(&self) -> &Meta {
        match self {
            Self::GatewayClass(o) => &o.meta,
            Self::Gateway(o) => &o.meta,
            Self::HttpRoute(o) => &o.meta,
            Self::TcpRoute(o) | Self::UdpRoute(o) => &o.meta,
            Self::ReferenceGrant(o) => &o.meta,
            Self::Namespace(o) => &o.meta,
            Self::Service(o) => &o.meta,
            Self::EndpointSlice(o) => &o.meta,
            Self::Secret(o) => &o.meta,
            Self::ConfigMap(o) => &o.meta,
        }
    }
}

/// Kind and name, as in `Gateway default/web`.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.meta().namespace {
            "" => write!(f, "{} {}", self.kind(), self.meta().name),
            namespace => write!(f, "{} {namespace}/{}", self.kind(), self.meta().name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FileSet, World};

    #[test]
    fn namespaces_have_their_name_as_a_label() {
        let mut files = FileSet::default();
        let text = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}";
        assert_eq!(files.update("a.yaml", Some(text)), []);
        let labels = files.world().namespace_labels("shop");
        let labels = labels
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect::<Vec<_>>();
        assert_eq!(labels, ["kubernetes.io/metadata.name=shop", "team=a"]);
        let labels = World::default().namespace_labels("elsewhere");
        assert_eq!(labels["kubernetes.io/metadata.name"], "elsewhere");
    }
}
