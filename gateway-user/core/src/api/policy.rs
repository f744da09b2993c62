//! What a rule asks for beside matches, filters and backends.

use std::sync::Arc;

use serde::Deserialize;

use super::{Open, duration::ApiDuration, number, open::api_enum};

/// Zero: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeouts {
    /// From the request's head to the last byte of the answer.
    pub request: Option<ApiDuration>,
    /// As `request`, of one attempt at a backend.
    pub backend_request: Option<ApiDuration>,
}

/// Requests that are sent again where a backend fails them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Retry {
    /// Status codes that count as failures, beside connections that fail: 400 to 599.
    #[serde(default, deserialize_with = "number::failures")]
    pub codes: Vec<u16>,
    #[serde(default, deserialize_with = "number::attempts")]
    pub attempts: Option<u32>,
    /// Least pause before an attempt.
    pub backoff: Option<ApiDuration>,
}

/// Requests of one client that stay with one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionPersistence {
    /// Of the cookie or header; `None`: our choice.
    pub session_name: Option<Arc<str>>,
    pub absolute_timeout: Option<ApiDuration>,
    #[serde(rename = "type")]
    pub kind: Open<SessionType>,
    pub cookie_config: Option<CookieConfig>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CookieConfig {
    pub lifetime_type: Open<CookieLifetime>,
}

api_enum! { pub SessionType { Cookie = "Cookie", Header = "Header" } }

api_enum! {
    /// `Session`: the browser forgets the cookie when it is closed.
    pub CookieLifetime { Session = "Session", Permanent = "Permanent" }
}
