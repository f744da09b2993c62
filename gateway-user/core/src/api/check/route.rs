//! Rules for all routes, and for TCPRoute and UDPRoute.

use super::{Problems, backend::backends, format::Format, parents::parents};
use crate::api::{RouteSpec, TcpRoute, path::Path};

pub(super) fn common<R>(spec: &RouteSpec<R>, out: &mut Problems) {
    parents(&Path::spec().field("parentRefs"), &spec.parent_refs, out);
}

/// TCPRoute and UDPRoute, which are one type.
pub(crate) fn l4_route(route: &TcpRoute, out: &mut Problems) {
    let spec = &route.spec;
    common(spec, out);
    if !spec.hostnames.is_empty() {
        let message = "unknown field, ignored: remove it, or use an HTTPRoute";
        out.warn(Path::spec().field("hostnames"), message);
    }
    let rules = Path::spec().field("rules");
    out.count(rules.clone(), spec.rules.len(), 1..=1);
    for (i, rule) in spec.rules.iter().enumerate() {
        let at = rules.index(i);
        out.optional(at.field("name"), rule.name.as_deref(), Format::Subdomain);
        let refs = at.field("backendRefs");
        if rule.backend_refs.is_empty() {
            out.error(refs.clone(), "must have at least one item");
        }
        backends(&refs, &rule.backend_refs, out);
        for (i, backend) in rule.backend_refs.iter().enumerate() {
            if !backend.filters.is_empty() {
                let message = "unknown field, ignored: remove it, or use an HTTPRoute";
                out.warn(refs.index(i).field("filters"), message);
            }
        }
    }
}
