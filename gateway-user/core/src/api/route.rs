//! What all routes share, and the routes of connections.

use std::sync::Arc;

use serde::Deserialize;

use super::{BackendRef, Object, Opaque, ParentRef};

/// `spec` of a route with rules of type `R`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", bound = "R: Rule + Deserialize<'de>")]
pub struct RouteSpec<R> {
    #[serde(default)]
    pub parent_refs: Vec<ParentRef>,
    /// HTTPRoute, GRPCRoute and TLSRoute only. Empty: those of the listener.
    #[serde(default)]
    pub hostnames: Vec<Arc<str>>,
    #[serde(default = "R::default_rules")]
    pub rules: Vec<R>,
    /// Attachment to default Gateways.
    pub use_default_gateways: Option<Opaque>,
}

/// A rule of some kind of route.
pub trait Rule: Sized {
    /// The value of `rules` where it is not given.
    fn default_rules() -> Vec<Self>;
}

pub type TlsRoute = Object<RouteSpec<L4Rule>>;
pub type TcpRoute = Object<RouteSpec<L4Rule>>;
pub type UdpRoute = Object<RouteSpec<L4Rule>>;

/// The one rule of a TLSRoute, a TCPRoute or a UDPRoute.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L4Rule {
    pub name: Option<Arc<str>>,
    #[serde(default)]
    pub backend_refs: Vec<BackendRef>,
}

impl Rule for L4Rule {
    fn default_rules() -> Vec<Self> {
        Vec::new()
    }
}
