//! What rules of an HTTPRoute ask for beside matches, filters and backends.

use crate::{
    api::{duration::ApiDuration, policy},
    plan::Timeouts,
};

pub(super) fn timeouts(source: policy::Timeouts) -> Timeouts {
    // Zero is the API's way to say none.
    let limit = |given: Option<ApiDuration>| given.map(|d| d.0).filter(|d| !d.is_zero());
    Timeouts {
        request: limit(source.request),
        backend: limit(source.backend_request),
    }
}
