//! What a rule asks for beside matches, filters and backends.

use serde::Deserialize;

use super::{duration::ApiDuration, number};

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
