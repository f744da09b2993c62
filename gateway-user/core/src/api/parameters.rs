//! GatewayParameters: how Gateways are served, where the defaults do not suit.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    Object, Open, duration::ApiDuration, filter::Fraction, health_check::HealthCheckSpec,
    open::api_enum,
};

pub type GatewayParameters = Object<ParametersSpec>;

/// What is not set is as the GatewayClass's parameters say, or else the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParametersSpec {
    /// Names or patterns such as `eth*`. Of a class only: a node's programs serve every Gateway.
    #[serde(default)]
    pub interfaces: Vec<Arc<str>>,
    /// Threads of the proxy; 0 is as if it was not set. Of a class only.
    pub workers: Option<i64>,
    pub limits: Option<LimitsSpec>,
    pub l4: Option<L4Spec>,
    pub tls: Option<Box<TlsSpec>>,
    pub access_log: Option<AccessLogSpec>,
    pub request_id: Option<RequestIdSpec>,
    /// Taken whole, unlike the others: its parts belong together.
    pub health_check: Option<Box<HealthCheckSpec>>,
}

api_enum! {
    pub RequestIdPolicy {
        PreserveOrGenerate = "PreserveOrGenerate",
        Generate = "Generate",
        Preserve = "Preserve",
        Disable = "Disable",
    }
}

api_enum! { pub LogFormat { Json = "JSON", Text = "Text" } }

api_enum! { pub L4Mode { Snat = "SNAT", Dsr = "DSR" } }

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitsSpec {
    /// Open client connections of one address and port, on one node.
    pub connections: Option<i64>,
    pub request_header_bytes: Option<i64>,
    /// Of path and query.
    pub request_target_bytes: Option<i64>,
    /// 0: any, whatever the class says.
    pub request_body_bytes: Option<i64>,
    /// Concurrent requests of one HTTP/2 connection.
    pub http2_streams: Option<i64>,
    /// From a connection to its first bytes, and for a TLS handshake.
    pub handshake_timeout: Option<ApiDuration>,
    /// From the end of a request to the end of the next one's head.
    pub idle_timeout: Option<ApiDuration>,
    /// Longest pause in a request's body.
    pub body_timeout: Option<ApiDuration>,
}

/// Of TCP and UDP listeners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L4Spec {
    /// Connections that the flow table of a node holds. Of a class only.
    pub flows: Option<i64>,
    /// How long connections keep a backend that gets no new ones and will not come back.
    pub drain_timeout: Option<ApiDuration>,
    /// What becomes of connections and datagrams that have no backend.
    pub no_backend: Option<Open<NoBackend>>,
    /// How backends on other nodes are reached.
    pub mode: Option<Open<L4Mode>>,
}

/// Of TLS listeners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsSpec {
    /// Who passes connections of mode Passthrough through.
    pub passthrough: Option<Open<TlsPassthrough>>,
    /// What becomes of connections that no listener or no route has.
    pub unmatched: Option<Open<TlsUnmatched>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum TlsPassthrough {
    Kernel,
    Proxy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum TlsUnmatched {
    /// The proxy closes them.
    Proxy,
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum NoBackend {
    /// A reset, or "port unreachable".
    Refuse,
    /// No answer.
    Drop,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessLogSpec {
    pub enabled: Option<bool>,
    pub format: Option<Open<LogFormat>>,
    /// The share of requests that get a line.
    pub sample: Option<Fraction>,
}

/// Of HTTP requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestIdSpec {
    pub policy: Option<Open<RequestIdPolicy>>,
    /// Whether the client is told.
    pub in_response: Option<bool>,
}
