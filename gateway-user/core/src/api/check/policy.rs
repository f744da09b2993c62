//! Rules for what rules ask for beside matches, filters and backends.

use super::Problems;
use crate::api::{
    path::Path,
    policy::{Retry, Timeouts},
};

pub(super) fn timeouts(at: &Path, timeouts: Timeouts, out: &mut Problems) {
    let (Some(request), Some(backend)) = (timeouts.request, timeouts.backend_request) else {
        return;
    };
    if !request.0.is_zero() && backend > request {
        let message = "is longer than timeouts.request, which it is a part of: shorten it";
        out.error(at.field("backendRequest"), message);
    }
}

pub(super) fn retry(at: &Path, retry: &Retry, out: &mut Problems) {
    let codes = at.field("codes");
    for (i, code) in retry.codes.iter().enumerate() {
        if retry.codes[..i].contains(code) {
            out.error(codes.index(i), format!("{code} is given twice: remove one"));
        }
    }
}
