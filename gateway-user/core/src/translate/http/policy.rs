//! What rules of an HTTPRoute ask for beside matches, filters and backends.

use std::time::Duration;

use crate::{
    api::{duration::ApiDuration, policy},
    plan::{Retry, Timeouts},
};

/// Where the API leaves it to us.
const ATTEMPTS: u32 = 2;
const BACKOFF: Duration = Duration::from_millis(25);

pub(super) fn timeouts(source: policy::Timeouts) -> Timeouts {
    // Zero is the API's way to say none.
    let limit = |given: Option<ApiDuration>| given.map(|d| d.0).filter(|d| !d.is_zero());
    Timeouts {
        request: limit(source.request),
        backend: limit(source.backend_request),
    }
}

pub(super) fn retry(source: &policy::Retry) -> Retry {
    Retry {
        codes: source.codes.clone(),
        attempts: source.attempts.unwrap_or(ATTEMPTS),
        backoff: source.backoff.map_or(BACKOFF, |backoff| backoff.0),
    }
}
