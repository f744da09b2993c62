//! Mirrors. One whose backend cannot be resolved copies nothing, and `ResolvedRefs` says why.

use crate::{
    api::filter::RequestMirror,
    plan::{HttpFilter, Mirror},
    translate::{
        Scope,
        backend::{self, Referrer},
        parameters::share,
    },
    verdict::RouteVerdict,
};

pub(super) fn judge(
    scope: Scope,
    referrer: Referrer,
    at: &str,
    source: &RequestMirror,
    verdicts: &mut Vec<RouteVerdict>,
) -> HttpFilter {
    let reference = (&source.backend_ref).into();
    let at = format!("{at}.backendRef");
    HttpFilter::Mirror(Box::new(Mirror {
        backend: backend::http_backend(scope, referrer, &at, &reference, verdicts),
        share: share(source.share()),
    }))
}
