//! Rules for what rules ask for beside matches, filters and backends.

use super::Problems;
use crate::api::{path::Path, policy::Timeouts};

pub(super) fn timeouts(at: &Path, timeouts: Timeouts, out: &mut Problems) {
    let (Some(request), Some(backend)) = (timeouts.request, timeouts.backend_request) else {
        return;
    };
    if !request.0.is_zero() && backend > request {
        let message = "is longer than timeouts.request, which it is a part of: shorten it";
        out.error(at.field("backendRequest"), message);
    }
}
