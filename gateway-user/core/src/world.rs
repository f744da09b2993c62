//! The set of objects we read, by name: what translation starts from.

mod changed;
mod collection;
mod doubt;
mod endpoints;
mod event;
mod fields;
mod files;
mod node;
pub mod object;
mod peers;
mod presence;
mod problem;
mod read;
mod store;
mod typed;
mod yaml;

use std::{collections::BTreeMap, fmt, sync::Arc};

pub use self::{
    changed::Changed,
    event::Event,
    files::FileSet,
    peers::{Peers, TUNNEL},
    presence::{Presence, Return},
    problem::{Place, Problem, Severity},
    read::{Content, Placed, read},
    store::{Phase, Store},
};
use crate::{
    api::{
        AddressPool, BackendTlsPolicy, ConfigMap, EndpointSlice, Gateway, GatewayClass,
        GatewayParameters, GrpcRoute, HttpRoute, Kind, ListenerSet, Meta, Namespace,
        ReferenceGrant, Secret, Service, TcpRoute, TlsRoute, UdpRoute, object::Labels,
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
    pub listener_sets: BTreeMap<ObjectName, ListenerSet>,
    pub http_routes: BTreeMap<ObjectName, HttpRoute>,
    pub grpc_routes: BTreeMap<ObjectName, GrpcRoute>,
    pub tls_routes: BTreeMap<ObjectName, TlsRoute>,
    pub tcp_routes: BTreeMap<ObjectName, TcpRoute>,
    pub udp_routes: BTreeMap<ObjectName, UdpRoute>,
    pub tls_policies: BTreeMap<ObjectName, BackendTlsPolicy>,
    pub grants: BTreeMap<ObjectName, ReferenceGrant>,
    pub namespaces: BTreeMap<Arc<str>, Namespace>,
    pub services: BTreeMap<ObjectName, Service>,
    pub secrets: BTreeMap<ObjectName, Secret>,
    pub config_maps: BTreeMap<ObjectName, ConfigMap>,
    pub pools: BTreeMap<Arc<str>, AddressPool>,
    pub parameters: BTreeMap<ObjectName, GatewayParameters>,
    /// Not known without a cluster.
    pub installed: Option<Installed>,
    /// By their own names; [`World::endpoints`] joins them with a plan.
    pub slices: BTreeMap<ObjectName, EndpointSlice>,
}

/// The Gateway API that a cluster has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Version of its CRDs, such as `v1.6.3`; `None` if they do not say.
    pub version: Option<Arc<str>>,
}

/// One object that we read.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    GatewayClass(GatewayClass),
    Gateway(Box<Gateway>),
    ListenerSet(ListenerSet),
    HttpRoute(HttpRoute),
    GrpcRoute(GrpcRoute),
    TlsRoute(TlsRoute),
    TcpRoute(TcpRoute),
    UdpRoute(UdpRoute),
    BackendTlsPolicy(BackendTlsPolicy),
    ReferenceGrant(ReferenceGrant),
    Namespace(Namespace),
    Service(Service),
    EndpointSlice(EndpointSlice),
    Secret(Secret),
    ConfigMap(ConfigMap),
    AddressPool(AddressPool),
    GatewayParameters(GatewayParameters),
}

impl World {
    /// Adds an object, or replaces the one of that kind and name, which is returned.
    pub fn insert(&mut self, item: Item) -> Option<Item> {
        match item {
            Item::GatewayClass(o) => self
                .classes
                .insert(o.meta.name.clone(), o)
                .map(Item::GatewayClass),
            Item::Gateway(o) => {
                let old = self.gateways.insert(o.name(), *o);
                old.map(|o| Item::Gateway(Box::new(o)))
            }
            Item::ListenerSet(o) => self
                .listener_sets
                .insert(o.name(), o)
                .map(Item::ListenerSet),
            Item::HttpRoute(o) => self.http_routes.insert(o.name(), o).map(Item::HttpRoute),
            Item::GrpcRoute(o) => self.grpc_routes.insert(o.name(), o).map(Item::GrpcRoute),
            Item::TlsRoute(o) => self.tls_routes.insert(o.name(), o).map(Item::TlsRoute),
            Item::TcpRoute(o) => self.tcp_routes.insert(o.name(), o).map(Item::TcpRoute),
            Item::UdpRoute(o) => self.udp_routes.insert(o.name(), o).map(Item::UdpRoute),
            Item::BackendTlsPolicy(o) => self
                .tls_policies
                .insert(o.name(), o)
                .map(Item::BackendTlsPolicy),
            Item::ReferenceGrant(o) => self.grants.insert(o.name(), o).map(Item::ReferenceGrant),
            Item::Namespace(o) => self
                .namespaces
                .insert(o.meta.name.clone(), o)
                .map(Item::Namespace),
            Item::Service(o) => self.services.insert(o.name(), o).map(Item::Service),
            Item::EndpointSlice(o) => self.slices.insert(o.name(), o).map(Item::EndpointSlice),
            Item::Secret(o) => self.secrets.insert(o.name(), o).map(Item::Secret),
            Item::ConfigMap(o) => self.config_maps.insert(o.name(), o).map(Item::ConfigMap),
            Item::AddressPool(o) => self
                .pools
                .insert(o.meta.name.clone(), o)
                .map(Item::AddressPool),
            Item::GatewayParameters(o) => self
                .parameters
                .insert(o.name(), o)
                .map(Item::GatewayParameters),
        }
    }

    /// Takes an object out; `None` where there is none of that kind and name.
    pub fn remove(&mut self, kind: Kind, name: &ObjectName) -> Option<Item> {
        match kind {
            Kind::GatewayClass => self.classes.remove(&name.name).map(Item::GatewayClass),
            Kind::Gateway => {
                let old = self.gateways.remove(name);
                old.map(|o| Item::Gateway(Box::new(o)))
            }
            Kind::ListenerSet => self.listener_sets.remove(name).map(Item::ListenerSet),
            Kind::HttpRoute => self.http_routes.remove(name).map(Item::HttpRoute),
            Kind::GrpcRoute => self.grpc_routes.remove(name).map(Item::GrpcRoute),
            Kind::TlsRoute => self.tls_routes.remove(name).map(Item::TlsRoute),
            Kind::TcpRoute => self.tcp_routes.remove(name).map(Item::TcpRoute),
            Kind::UdpRoute => self.udp_routes.remove(name).map(Item::UdpRoute),
            Kind::BackendTlsPolicy => self.tls_policies.remove(name).map(Item::BackendTlsPolicy),
            Kind::ReferenceGrant => self.grants.remove(name).map(Item::ReferenceGrant),
            Kind::Namespace => self.namespaces.remove(&name.name).map(Item::Namespace),
            Kind::Service => self.services.remove(name).map(Item::Service),
            Kind::EndpointSlice => self.slices.remove(name).map(Item::EndpointSlice),
            Kind::Secret => self.secrets.remove(name).map(Item::Secret),
            Kind::ConfigMap => self.config_maps.remove(name).map(Item::ConfigMap),
            Kind::AddressPool => self.pools.remove(&name.name).map(Item::AddressPool),
            Kind::GatewayParameters => self.parameters.remove(name).map(Item::GatewayParameters),
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
        for item in items {
            drop(world.insert(item));
        }
        world
    }
}

impl Item {
    pub fn kind(&self) -> Kind {
        match self {
            Self::GatewayClass(_) => Kind::GatewayClass,
            Self::Gateway(_) => Kind::Gateway,
            Self::ListenerSet(_) => Kind::ListenerSet,
            Self::HttpRoute(_) => Kind::HttpRoute,
            Self::GrpcRoute(_) => Kind::GrpcRoute,
            Self::TlsRoute(_) => Kind::TlsRoute,
            Self::TcpRoute(_) => Kind::TcpRoute,
            Self::UdpRoute(_) => Kind::UdpRoute,
            Self::BackendTlsPolicy(_) => Kind::BackendTlsPolicy,
            Self::ReferenceGrant(_) => Kind::ReferenceGrant,
            Self::Namespace(_) => Kind::Namespace,
            Self::Service(_) => Kind::Service,
            Self::EndpointSlice(_) => Kind::EndpointSlice,
            Self::Secret(_) => Kind::Secret,
            Self::ConfigMap(_) => Kind::ConfigMap,
            Self::AddressPool(_) => Kind::AddressPool,
            Self::GatewayParameters(_) => Kind::GatewayParameters,
        }
    }

    pub fn meta(&self) -> &Meta {
        match self {
            Self::GatewayClass(o) => &o.meta,
            Self::Gateway(o) => &o.meta,
            Self::ListenerSet(o) => &o.meta,
            Self::HttpRoute(o) => &o.meta,
            Self::GrpcRoute(o) => &o.meta,
            Self::TlsRoute(o) | Self::TcpRoute(o) | Self::UdpRoute(o) => &o.meta,
            Self::BackendTlsPolicy(o) => &o.meta,
            Self::ReferenceGrant(o) => &o.meta,
            Self::Namespace(o) => &o.meta,
            Self::Service(o) => &o.meta,
            Self::EndpointSlice(o) => &o.meta,
            Self::Secret(o) => &o.meta,
            Self::ConfigMap(o) => &o.meta,
            Self::AddressPool(o) => &o.meta,
            Self::GatewayParameters(o) => &o.meta,
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
