//! The kinds that we read, with their API groups and versions.

use super::{GROUP, OWN_GROUP};

/// A kind of object that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    GatewayClass,
    Gateway,
    ListenerSet,
    HttpRoute,
    GrpcRoute,
    TlsRoute,
    TcpRoute,
    UdpRoute,
    BackendTlsPolicy,
    ReferenceGrant,
    Namespace,
    Service,
    EndpointSlice,
    Secret,
    ConfigMap,
    AddressPool,
    GatewayParameters,
}

impl Kind {
    pub const ALL: [Self; 17] = [
        Self::GatewayClass,
        Self::Gateway,
        Self::ListenerSet,
        Self::HttpRoute,
        Self::GrpcRoute,
        Self::TlsRoute,
        Self::TcpRoute,
        Self::UdpRoute,
        Self::BackendTlsPolicy,
        Self::ReferenceGrant,
        Self::Namespace,
        Self::Service,
        Self::EndpointSlice,
        Self::Secret,
        Self::ConfigMap,
        Self::AddressPool,
        Self::GatewayParameters,
    ];

    /// The name in the field `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GatewayClass => "GatewayClass",
            Self::Gateway => "Gateway",
            Self::ListenerSet => "ListenerSet",
            Self::HttpRoute => "HTTPRoute",
            Self::GrpcRoute => "GRPCRoute",
            Self::TlsRoute => "TLSRoute",
            Self::TcpRoute => "TCPRoute",
            Self::UdpRoute => "UDPRoute",
            Self::BackendTlsPolicy => "BackendTLSPolicy",
            Self::ReferenceGrant => "ReferenceGrant",
            Self::Namespace => "Namespace",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
            Self::AddressPool => "AddressPool",
            Self::GatewayParameters => "GatewayParameters",
        }
    }

    /// API group and the versions of it that we read, the preferred one first. The schemas of a
    /// kind's versions are equal; one that differs is not read.
    pub fn versions(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::GatewayClass | Self::Gateway | Self::HttpRoute | Self::ReferenceGrant => {
                (GROUP, &["v1", "v1beta1"])
            }
            Self::ListenerSet | Self::GrpcRoute | Self::BackendTlsPolicy => (GROUP, &["v1"]),
            Self::TlsRoute => (GROUP, &["v1", "v1alpha3"]),
            Self::TcpRoute | Self::UdpRoute => (GROUP, &["v1", "v1alpha2"]),
            Self::EndpointSlice => ("discovery.k8s.io", &["v1"]),
            Self::Namespace | Self::Service | Self::Secret | Self::ConfigMap => ("", &["v1"]),
            Self::AddressPool | Self::GatewayParameters => (OWN_GROUP, &["v1alpha1"]),
        }
    }

    /// The name in paths of the API server.
    pub fn plural(self) -> &'static str {
        match self {
            Self::GatewayClass => "gatewayclasses",
            Self::Gateway => "gateways",
            Self::ListenerSet => "listenersets",
            Self::HttpRoute => "httproutes",
            Self::GrpcRoute => "grpcroutes",
            Self::TlsRoute => "tlsroutes",
            Self::TcpRoute => "tcproutes",
            Self::UdpRoute => "udproutes",
            Self::BackendTlsPolicy => "backendtlspolicies",
            Self::ReferenceGrant => "referencegrants",
            Self::Namespace => "namespaces",
            Self::Service => "services",
            Self::EndpointSlice => "endpointslices",
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
            Self::AddressPool => "addresspools",
            Self::GatewayParameters => "gatewayparameters",
        }
    }

    /// Whether its `status` is ours to write.
    pub fn has_status(self) -> bool {
        matches!(
            self,
            Self::GatewayClass
                | Self::Gateway
                | Self::ListenerSet
                | Self::HttpRoute
                | Self::GrpcRoute
                | Self::TlsRoute
                | Self::TcpRoute
                | Self::UdpRoute
                | Self::BackendTlsPolicy
                | Self::AddressPool
        )
    }

    /// Whether it is a kind of route that the proxy serves by host and path.
    pub fn is_http(self) -> bool {
        matches!(self, Self::HttpRoute | Self::GrpcRoute)
    }

    /// Whether it is a kind of route that is attached, and chosen, by host names.
    pub fn has_hostnames(self) -> bool {
        self.is_http() || self == Self::TlsRoute
    }

    pub fn is_namespaced(self) -> bool {
        !matches!(
            self,
            Self::GatewayClass | Self::Namespace | Self::AddressPool
        )
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
