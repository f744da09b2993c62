//! What the data paths shall do, free of Kubernetes types.
//!
//! Names of source objects are kept for logs, metrics and `status`. Backends are named by id;
//! their endpoints are joined later (see [`crate::endpoints`]).

mod backend_tls;
mod backends;
pub mod certificate;
pub mod cors;
pub(crate) mod external_auth;
mod filter;
mod health_check;
mod host;
mod l4;
pub mod node;
mod parameters;
mod retry;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use gateway_common::abi;
use http::{HeaderName, Method};
use regex::Regex;
use serde::{Deserialize, Serialize};

pub use self::{
    backend_tls::{Authorities, BackendTls, Identity, Inside, SubjectName},
    certificate::{Certificate, UsedFor, Validity},
    cors::Cors,
    external_auth::{AuthProtocol, ExternalAuth, HttpAuth, Names},
    filter::{HeaderEdit, HttpFilter, Mirror, PathRewrite, Redirect, Rewrite, Scheme},
    health_check::{HealthCheck, HttpCheck, Pace, UdpCheck},
    host::HostPattern,
    l4::{DRAIN, L4Options},
    node::NodeWish,
    parameters::{
        AccessLog, L4Mode, LogFormat, Parameters, RequestId, RequestIdPolicy, TlsPassthrough,
        TlsUnmatched,
    },
    retry::Retry,
};
use crate::{api::Kind, name::ObjectName};

/// Everything to serve, by what a client addresses. Ordered, so that equal inputs give equal plans.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub frontends: BTreeMap<FrontendId, Frontend>,
    /// Of Gateways that the defaults do not suit.
    pub parameters: BTreeMap<ObjectName, Arc<Parameters>>,
    /// In use, as far as it can be read how long they are valid.
    pub certificates: BTreeSet<Certificate>,
    /// What is asked of the process of each node.
    pub node: NodeWish,
}

impl Plan {
    /// Of a Gateway.
    pub fn l4_mode(&self, gateway: &ObjectName) -> L4Mode {
        let parameters = self.parameters.get(gateway);
        parameters.map_or_else(L4Mode::default, |parameters| parameters.l4_mode)
    }

    /// Whether the kernel passes a Gateway's TLS connections through, as far as it can.
    pub fn passes_tls_in_kernel(&self, gateway: &ObjectName) -> bool {
        let parameters = self.parameters.get(gateway);
        parameters.is_none_or(|p| p.tls_passthrough == TlsPassthrough::Kernel)
    }

    /// Whether TLS connections to a Gateway are reset that no listener or no route has.
    pub fn resets_unmatched_tls(&self, gateway: &ObjectName) -> bool {
        let parameters = self.parameters.get(gateway);
        parameters.is_some_and(|p| p.tls_unmatched == TlsUnmatched::Reset)
    }

    /// How long backends of a Gateway that leave keep the connections they have.
    pub fn drain(&self, gateway: &ObjectName) -> Duration {
        let parameters = self.parameters.get(gateway);
        parameters.and_then(|p| p.drain).unwrap_or(DRAIN)
    }
}

/// Transport address of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrontendId {
    pub address: SocketAddr,
    pub transport: Transport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    /// As the kernel's maps and the IP header have it.
    pub fn protocol(self) -> u32 {
        match self {
            Self::Tcp => abi::TCP,
            Self::Udp => abi::UDP,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// How a frontend is served.
#[derive(Clone, Debug)]
pub enum Frontend {
    /// In the kernel: TCPRoute and UDPRoute.
    L4(L4Service),
    /// By the proxy: every HTTP, HTTPS and TLS listener of this address and port.
    Http(HttpFrontend),
}

impl Frontend {
    pub fn gateway(&self) -> &ObjectName {
        match self {
            Self::L4(service) => &service.gateway,
            Self::Http(http) => &http.gateway,
        }
    }
}

/// The one route that a TCP or UDP listener serves.
#[derive(Clone, Debug)]
pub struct L4Service {
    pub gateway: ObjectName,
    /// As [`HttpListener::name`].
    pub listener: Arc<str>,
    /// `None` where no route is attached: connections are refused.
    pub route: Option<ObjectName>,
    pub backends: Vec<WeightedBackend>,
    pub options: L4Options,
}

/// A backend with its share; weights are relative within their list. 0 receives nothing.
#[derive(Clone, Debug)]
pub struct WeightedBackend {
    pub target: Target,
    pub weight: u32,
    /// As [`HttpBackend::tls`], where TLS is terminated before it. `None` for all other traffic,
    /// which passes as it is.
    pub tls: Option<Arc<BackendTls>>,
}

/// Where a backendRef leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Backend(BackendId),
    /// The reference could not be resolved: its share of HTTP requests gets a 500, of
    /// connections a refusal (GEP-1742, `BackendRef` in the API's documentation).
    Invalid,
}

impl RouteKind {
    /// The kind of the object.
    pub fn kind(self) -> Kind {
        match self {
            Self::Http => Kind::HttpRoute,
            Self::Grpc => Kind::GrpcRoute,
        }
    }
}

impl Target {
    pub fn id(&self) -> Option<&BackendId> {
        match self {
            Self::Backend(id) => Some(id),
            Self::Invalid => None,
        }
    }
}

/// A Service port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct BackendId {
    pub service: ObjectName,
    pub port: u16,
    /// A Service may have one port number twice, with different targets.
    pub transport: Transport,
}

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.port)?;
        match self.transport {
            Transport::Tcp => Ok(()),
            Transport::Udp => f.write_str("/udp"),
        }
    }
}

/// All HTTP, or all HTTPS and TLS listeners of one address and port, told apart by host name: for
/// TLS, the server name of the ClientHello (RFC 6066 section 3).
#[derive(Clone, Debug)]
pub struct HttpFrontend {
    pub gateway: ObjectName,
    pub listeners: Vec<HttpListener>,
    /// Listeners of protocol TLS.
    pub tls: Vec<TlsListener>,
}

#[derive(Clone, Debug)]
pub struct HttpListener {
    /// Among all that the Gateway serves: `namespace/set/listener` for one of a ListenerSet.
    pub name: Arc<str>,
    /// Hosts that this listener takes; the most specific listener wins a request.
    pub hostname: HostPattern,
    /// `Some` for HTTPS: PEM certificate chain and key, already checked to fit each other.
    pub tls: Option<Tls>,
    pub routes: Vec<HttpRoute>,
}

/// A listener of protocol TLS: connections are forwarded, whatever they carry.
#[derive(Clone, Debug)]
pub struct TlsListener {
    pub name: Arc<str>,
    /// Server names that this listener takes; the most specific listener wins a connection.
    pub hostname: HostPattern,
    /// `Some` for mode Terminate: backends get what is inside, within TLS of our own where they want
    /// that. `None` for mode Passthrough.
    pub tls: Option<Tls>,
    /// The oldest first.
    pub routes: Vec<TlsRoute>,
}

/// A TLSRoute as attached to one listener.
#[derive(Clone, Debug)]
pub struct TlsRoute {
    pub name: ObjectName,
    /// Intersection of the listener's and the route's host names; never empty.
    pub hostnames: Vec<HostPattern>,
    pub backends: Vec<WeightedBackend>,
}

/// Certificates of a listener with mode Terminate; the first is the default.
#[derive(Clone, Debug)]
pub struct Tls {
    pub certificates: Vec<Arc<rustls::sign::CertifiedKey>>,
    /// `None`: clients are not asked for certificates. Equal for all HTTPS listeners of a port.
    pub clients: Option<Clients>,
}

/// Certificates that clients are asked for.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Who may have signed them.
    pub authorities: Arc<[rustls::pki_types::CertificateDer<'static>]>,
    /// Whether a client without a valid one is refused.
    pub required: bool,
}

/// An HTTPRoute or a GRPCRoute as attached to one listener.
#[derive(Clone, Debug)]
pub struct HttpRoute {
    pub kind: RouteKind,
    pub name: ObjectName,
    /// Seconds since the epoch; older routes win ties, objects without a time count as newest.
    pub created: Option<i64>,
    /// Intersection of the listener's and the route's host names; never empty.
    pub hostnames: Vec<HostPattern>,
    pub rules: Vec<HttpRule>,
}

#[derive(Clone, Debug, Default)]
pub struct HttpRule {
    pub name: Option<Arc<str>>,
    /// A rule without matches has one, of the path prefix `/`. Empty only if none is understood.
    pub matches: Vec<HttpMatch>,
    pub filters: Vec<HttpFilter>,
    pub backends: Vec<HttpBackend>,
    pub timeouts: Timeouts,
    pub retry: Option<Retry>,
    pub session: Option<Session>,
}

/// Requests of one client that stay with one endpoint (GEP-1619).
#[derive(Clone, Debug)]
pub struct Session {
    /// Of the cookie or the header; a token of HTTP.
    pub name: Arc<str>,
    pub carrier: Carrier,
    /// From the first request of a session; `None`: it does not end.
    pub lifetime: Option<Duration>,
    /// What the names of endpoints are made with: whoever does not know it cannot tell from a name
    /// which address it is. The same on every node, and after each start.
    pub key: Arc<str>,
}

/// What brings a session's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// `permanent`: browsers keep it over their end, for the session's lifetime.
    Cookie {
        permanent: bool,
    },
    Header,
}

/// How long a request may take; `None`: as long as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// From its head to the last byte of the answer.
    pub request: Option<Duration>,
    /// As `request`, of one attempt at a backend.
    pub backend: Option<Duration>,
}

/// A kind of route that the proxy serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    Http,
    /// Its requests are calls: they need HTTP/2 and fail in the way of gRPC.
    Grpc,
}

/// A backendRef of a rule; filters apply to what goes to this backend only.
#[derive(Clone, Debug)]
pub struct HttpBackend {
    pub target: Target,
    pub protocol: BackendProtocol,
    /// `None`: it is spoken to without TLS.
    pub tls: Option<Arc<BackendTls>>,
    pub weight: u32,
    pub filters: Vec<HttpFilter>,
}

/// What a backend is spoken to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BackendProtocol {
    #[default]
    Http1,
    /// Without TLS with prior knowledge (RFC 9113 section 3.3).
    Http2,
}

/// All parts must match.
#[derive(Clone, Debug)]
pub struct HttpMatch {
    pub path: PathMatch,
    pub method: Option<Method>,
    pub headers: Vec<HeaderMatch>,
    pub query: Vec<QueryMatch>,
}

#[derive(Clone, Debug)]
pub enum PathMatch {
    Exact(Arc<str>),
    /// Whole path elements; without a final `/` unless it is `/` itself.
    Prefix(Arc<str>),
    /// Anchored at both ends.
    Regex(Regex),
    /// Ranks below every prefix but `/`.
    Method(MethodPattern),
}

/// The path of a call by patterns of its service and its method.
#[derive(Clone, Debug)]
pub struct MethodPattern {
    /// Anchored at both ends.
    pub regex: Regex,
    /// Whether the service may be any; else it has a pattern.
    pub any_service: bool,
    pub any_method: bool,
}

#[derive(Clone, Debug)]
pub struct HeaderMatch {
    pub name: HeaderName,
    pub value: ValueMatch,
}

/// Names are case-sensitive; the first parameter of a name counts.
#[derive(Clone, Debug)]
pub struct QueryMatch {
    pub name: Arc<str>,
    pub value: ValueMatch,
}

#[derive(Clone, Debug)]
pub enum ValueMatch {
    Exact(Arc<str>),
    /// Anchored at both ends.
    Regex(Regex),
}
