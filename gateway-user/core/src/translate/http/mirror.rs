//! Mirrors. One whose backend cannot be resolved copies nothing, and `ResolvedRefs` says why.

use crate::{
    api::filter::RequestMirror,
    plan::{HttpBackend, HttpFilter, Mirror},
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
    let to = backend::http_target(scope, referrer, &at, &reference, verdicts);
    HttpFilter::Mirror(Box::new(Mirror {
        backend: HttpBackend {
            target: to.target,
            protocol: to.protocol,
            tls: to.tls,
            weight: reference.weight,
            filters: Vec::new(),
        },
        share: share(source.share()),
    }))
}
