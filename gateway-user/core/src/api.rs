//! The Kubernetes objects that we read, as small types of our own.
//!
//! Shapes and defaults follow the CRDs of Gateway API v1.6; core kinds keep only what routing
//! needs. Values that a newer API may add are kept ([`Open`]), so that translation can report them.

pub mod check;
pub mod class;
pub mod core_kinds;
pub mod duration;
pub mod filter;
pub mod gateway;
pub mod gateway_tls;
pub mod grant;
pub mod grpc;
pub mod health_check;
pub mod http;
pub mod kind;
pub mod listener;
pub mod listener_set;
pub mod number;
pub mod object;
pub mod open;
pub mod parameters;
pub mod path;
pub mod policy;
pub mod pool;
pub mod range;
pub mod refs;
pub mod route;
pub mod selector;
pub mod tls_policy;

pub use self::{
    check::Finding,
    class::{GatewayClass, GatewayClassSpec},
    core_kinds::{ConfigMap, EndpointSlice, Namespace, Secret, Service},
    filter::{Filter, FilterType},
    gateway::{Gateway, GatewaySpec},
    grant::{ReferenceGrant, ReferenceGrantSpec},
    grpc::{GrpcRoute, GrpcRule},
    http::{HttpRoute, HttpRule},
    kind::Kind,
    listener::{Listener, Protocol},
    listener_set::ListenerSet,
    object::{Meta, Object},
    open::{Opaque, Open, Unread},
    parameters::GatewayParameters,
    pool::{AddressPool, AddressPoolSpec, OWN_GROUP},
    range::{AddressRange, RangeError},
    refs::{BackendRef, ParentRef},
    route::{L4Rule, RouteSpec, TcpRoute, TlsRoute, UdpRoute},
    selector::Selector,
    tls_policy::BackendTlsPolicy,
};

/// API group of Gateway API.
pub const GROUP: &str = "gateway.networking.k8s.io";
