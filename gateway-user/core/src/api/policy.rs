//! What a rule asks for beside matches, filters and backends.

use serde::Deserialize;

use super::duration::ApiDuration;

/// Zero: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeouts {
    /// From the request's head to the last byte of the answer.
    pub request: Option<ApiDuration>,
    /// As `request`, of one attempt at a backend.
    pub backend_request: Option<ApiDuration>,
}
