//! Filters of HTTPRoute and GRPCRoute rules and backends.

use std::sync::Arc;

use serde::Deserialize;

use super::{Opaque, Open, number, open::api_enum};

mod cors;
mod external_auth;
mod mirror;

pub use cors::Cors;
pub use external_auth::{AuthProtocol, ExternalAuth, ForwardBody, GrpcAuth, HttpAuth};
pub use mirror::{Fraction, RequestMirror};

/// A filter: the field that `kind` names is set, and no other.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    #[serde(rename = "type")]
    pub kind: Open<FilterType>,
    pub request_header_modifier: Option<HeaderModifier>,
    pub response_header_modifier: Option<HeaderModifier>,
    pub request_redirect: Option<RequestRedirect>,
    pub url_rewrite: Option<UrlRewrite>,
    pub request_mirror: Option<RequestMirror>,
    pub cors: Option<Cors>,
    pub external_auth: Option<ExternalAuth>,
    pub extension_ref: Option<Opaque>,
}

api_enum! { pub FilterType {
    RequestHeaderModifier = "RequestHeaderModifier",
    ResponseHeaderModifier = "ResponseHeaderModifier",
    RequestMirror = "RequestMirror",
    RequestRedirect = "RequestRedirect",
    UrlRewrite = "URLRewrite",
    ExtensionRef = "ExtensionRef",
    Cors = "CORS",
    ExternalAuth = "ExternalAuth",
} }

/// Applied in this order: set, add, remove.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct HeaderModifier {
    pub set: Vec<Header>,
    pub add: Vec<Header>,
    pub remove: Vec<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Header {
    pub name: Arc<str>,
    pub value: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRedirect {
    pub scheme: Option<Open<Scheme>>,
    pub hostname: Option<Arc<str>>,
    pub path: Option<PathModifier>,
    #[serde(default, deserialize_with = "number::optional_port")]
    pub port: Option<u16>,
    /// 301, 302, 303, 307 or 308.
    #[serde(default = "found", deserialize_with = "number::redirect_status")]
    pub status_code: u16,
}

api_enum! { pub Scheme { Http = "http", Https = "https" } }

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct UrlRewrite {
    pub hostname: Option<Arc<str>>,
    pub path: Option<PathModifier>,
}

/// The field that `kind` names is set, and not the other.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathModifier {
    #[serde(rename = "type")]
    pub kind: Open<PathModifierType>,
    pub replace_full_path: Option<Arc<str>>,
    pub replace_prefix_match: Option<Arc<str>>,
}

api_enum! { pub PathModifierType {
    ReplaceFullPath = "ReplaceFullPath",
    ReplacePrefixMatch = "ReplacePrefixMatch",
} }

fn found() -> u16 {
    302
}
