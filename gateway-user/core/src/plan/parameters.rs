//! How the Gateways of a plan are served, where the defaults do not suit.

use std::{sync::Arc, time::Duration};

use super::HealthCheck;
use crate::balance::Share;

/// `None`: the default of the data path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Open client connections of one address and port, on one node.
    pub connections: Option<usize>,
    /// Bytes of a request's head (HTTP/1) or header list (HTTP/2).
    pub head_bytes: Option<u32>,
    /// Bytes of a request's target: its path and query.
    pub target_bytes: Option<u32>,
    /// Bytes of a request's body; `Some(0)`: any.
    pub body_bytes: Option<u64>,
    /// Concurrent requests of one HTTP/2 connection.
    pub h2_streams: Option<u32>,
    /// From a connection to its first bytes, and for a TLS handshake.
    pub greeting_timeout: Option<Duration>,
    /// From the end of a request to the end of the next one's head.
    pub idle_timeout: Option<Duration>,
    /// Longest pause in a request's body.
    pub body_timeout: Option<Duration>,
    /// How long a backend that leaves keeps the flows, and connections of TLS passthrough, that it has.
    pub drain: Option<Duration>,
    /// TCP and UDP that has no backend is dropped without an answer.
    pub silent: bool,
    /// `None`: no request is logged.
    pub access_log: Option<AccessLog>,
    pub request_id: RequestId,
    pub l4_mode: L4Mode,
    pub tls_passthrough: TlsPassthrough,
    pub tls_unmatched: TlsUnmatched,
    /// `None`: endpoints are not checked.
    pub health_check: Option<Arc<HealthCheck>>,
}

/// How requests are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessLog {
    pub format: LogFormat,
    /// The requests that are logged; what the gateway or its backends failed is logged anyway.
    pub sample: Share,
}

/// What a line of the access log looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Json,
    /// The Common Log Format, with more behind it.
    Text,
}

/// The name that each request gets, in `x-request-id`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestId {
    pub policy: RequestIdPolicy,
    /// Whether the client is told.
    pub in_response: bool,
}

/// Whose name a request has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestIdPolicy {
    /// That of the client, if it gave a usable one; else our own.
    #[default]
    PreserveOrGenerate,
    /// Always our own.
    Generate,
    /// That of the client, if it gave a usable one; else none.
    Preserve,
    /// None: what the client sends goes on as it is.
    Disable,
}

/// How TCP and UDP connections go to backends on other nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum L4Mode {
    /// From an address of the node that the client came to, and back through it.
    #[default]
    Snat,
    /// In an outer header to the backend's node, and back directly (direct server return), where
    /// that node takes it; else as the other.
    Dsr,
}

impl L4Mode {
    /// As GatewayParameters have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snat => "SNAT",
            Self::Dsr => "DSR",
        }
    }
}

/// Who passes TLS connections through by their server name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsPassthrough {
    /// XDP; the proxy what that cannot.
    #[default]
    Kernel,
    /// The proxy alone.
    Proxy,
}

/// What becomes of TLS connections whose server name no listener or no route has, and of those to
/// such a port that do not begin with a hello.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsUnmatched {
    /// The proxy closes them.
    #[default]
    Proxy,
    /// They are reset, in the kernel where it reads the hello.
    Reset,
}
