//! Rules for all routes, and for those of connections: TLSRoute, TCPRoute and UDPRoute.

use std::{net::IpAddr, sync::Arc};

use super::{Problems, backend::backends, format::Format, parents::parents};
use crate::api::{L4Rule, RouteSpec, TcpRoute, TlsRoute, path::Path};

pub(super) fn common<R>(spec: &RouteSpec<R>, out: &mut Problems) {
    parents(&Path::spec().field("parentRefs"), &spec.parent_refs, out);
}

pub(crate) fn tls_route(route: &TlsRoute, out: &mut Problems) {
    common(&route.spec, out);
    hostnames(&route.spec.hostnames, out);
    rules(&route.spec.rules, out);
}

/// TCPRoute and UDPRoute, which are one type.
pub(crate) fn l4_route(route: &TcpRoute, out: &mut Problems) {
    let spec = &route.spec;
    common(spec, out);
    if !spec.hostnames.is_empty() {
        let message = "unknown field, ignored: remove it, or use an HTTPRoute or a TLSRoute";
        out.warn(Path::spec().field("hostnames"), message);
    }
    rules(&spec.rules, out);
}

/// Server names, which are never addresses (RFC 6066 section 3).
fn hostnames(hostnames: &[Arc<str>], out: &mut Problems) {
    let at = Path::spec().field("hostnames");
    out.count(at.clone(), hostnames.len(), 1..=1024);
    for (i, hostname) in hostnames.iter().enumerate() {
        let field = at.index(i);
        if hostname.parse::<IpAddr>().is_ok() {
            let message = format!("{hostname:?} is an address: clients name hosts only");
            out.error(field, message);
        } else {
            out.text(field, hostname, Format::Hostname);
        }
    }
}

fn rules(all: &[L4Rule], out: &mut Problems) {
    let rules = Path::spec().field("rules");
    out.count(rules.clone(), all.len(), 1..=1);
    for (i, rule) in all.iter().enumerate() {
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
