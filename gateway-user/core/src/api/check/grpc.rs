//! Rules for GRPCRoute.

use super::{
    Problems,
    backend::backends,
    filter,
    format::Format,
    http::{self, values},
    policy,
    route::common,
};
use crate::api::{
    GrpcRoute,
    grpc::{GrpcRule, MethodMatch, MethodMatchType},
    path::Path,
};

pub(crate) fn grpc_route(route: &GrpcRoute, out: &mut Problems) {
    let spec = &route.spec;
    common(spec, out);
    http::hostnames(&spec.hostnames, out);
    let rules = Path::spec().field("rules");
    out.count(rules.clone(), spec.rules.len(), 0..=16);
    http::matches(spec.rules.iter().map(|rule| rule.matches.len()), out);
    http::names(spec.rules.iter().map(|rule| rule.name.as_deref()), out);
    for (i, rule) in spec.rules.iter().enumerate() {
        self::rule(&rules.index(i), rule, out);
    }
}

fn rule(at: &Path, rule: &GrpcRule, out: &mut Problems) {
    out.optional(at.field("name"), rule.name.as_deref(), Format::Subdomain);
    let matches = at.field("matches");
    out.count(matches.clone(), rule.matches.len(), 0..=64);
    for (i, one) in rule.matches.iter().enumerate() {
        let at = matches.index(i);
        if let Some(value) = &one.method {
            method(&at.field("method"), value, out);
        }
        values(&at.field("headers"), &one.headers, Format::HeaderValue, out);
    }
    filter::of_grpc_rule(at, rule, out);
    backends(&at.field("backendRefs"), &rule.backend_refs, out);
    if let Some(session) = &rule.session_persistence {
        policy::session(&at.field("sessionPersistence"), session, out);
    }
}

fn method(at: &Path, value: &MethodMatch, out: &mut Problems) {
    out.closed(at.field("type"), &value.kind, MethodMatchType::NAMES);
    if value.service.is_none() && value.method.is_none() {
        out.error(
            at.clone(),
            "needs a service, a method, or both: leave it out to match every call",
        );
    }
    let exact = value.kind.is(MethodMatchType::Exact);
    let (service, method) = match exact {
        true => (Format::GrpcService, Format::GrpcMethod),
        false => (Format::PathText, Format::PathText),
    };
    out.optional(at.field("service"), value.service.as_deref(), service);
    out.optional(at.field("method"), value.method.as_deref(), method);
}
