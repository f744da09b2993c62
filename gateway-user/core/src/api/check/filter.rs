//! Rules for the filters of HTTPRoute and GRPCRoute rules and backends.

use super::{Problems, backend, cors, external_auth, format::Format};
use crate::api::{
    Filter, FilterType, GrpcRule, HttpRule, Open,
    filter::{
        Fraction, Header, HeaderModifier, PathModifier, PathModifierType, RequestMirror,
        RequestRedirect, Scheme,
    },
    http::PathMatchType,
    path::Path,
};

/// Filters that a list may have once.
const ONCE: [FilterType; 5] = [
    FilterType::RequestHeaderModifier,
    FilterType::ResponseHeaderModifier,
    FilterType::RequestRedirect,
    FilterType::UrlRewrite,
    FilterType::Cors,
];

/// What the filters of a list may be.
#[derive(Clone, Copy)]
struct Frame {
    /// Types that the kind of route has.
    types: &'static [&'static str],
    /// The rule has one match, of a path prefix.
    one_prefix: bool,
}

/// Types that GRPCRoute has.
const GRPC: &[&str] = &[
    "ResponseHeaderModifier",
    "RequestHeaderModifier",
    "RequestMirror",
    "ExtensionRef",
];

/// Checks the filters of a rule and of its backends.
pub(super) fn of_rule(at: &Path, rule: &HttpRule, out: &mut Problems) {
    // No match at all is the default one, which is a prefix.
    let one_prefix = match &*rule.matches {
        [] => true,
        [one] => one.path.kind.is(PathMatchType::PathPrefix),
        _ => false,
    };
    let types = FilterType::NAMES;
    let frame = Frame { types, one_prefix };
    filters(&at.field("filters"), frame, &rule.filters, out);
    let redirects = rule.filters.iter().any(|f| f.request_redirect.is_some());
    if redirects && !rule.backend_refs.is_empty() {
        let message = "are not allowed in a rule with a RequestRedirect filter, which answers \
                       by itself: remove them or the filter";
        out.error(at.field("backendRefs"), message);
    }
    for (i, backend) in rule.backend_refs.iter().enumerate() {
        let at = at.field("backendRefs").index(i).field("filters");
        filters(&at, frame, &backend.filters, out);
    }
}

/// As [`of_rule`], for a rule of a GRPCRoute.
pub(super) fn of_grpc_rule(at: &Path, rule: &GrpcRule, out: &mut Problems) {
    let frame = Frame {
        types: GRPC,
        one_prefix: false,
    };
    filters(&at.field("filters"), frame, &rule.filters, out);
    for (i, backend) in rule.backend_refs.iter().enumerate() {
        let at = at.field("backendRefs").index(i).field("filters");
        filters(&at, frame, &backend.filters, out);
    }
}

fn filters(at: &Path, frame: Frame, filters: &[Filter], out: &mut Problems) {
    out.count(at.clone(), filters.len(), 0..=16);
    for kind in ONCE {
        if filters.iter().filter(|f| f.kind.is(kind)).count() > 1 {
            out.error(
                at.clone(),
                format!("{kind} is given twice: merge them into one filter"),
            );
        }
    }
    let has = |kind| filters.iter().any(|f| f.kind.is(kind));
    if has(FilterType::RequestRedirect) && has(FilterType::UrlRewrite) {
        out.error(
            at.clone(),
            "RequestRedirect and URLRewrite exclude each other: remove one",
        );
    }
    for (i, filter) in filters.iter().enumerate() {
        one(&at.index(i), frame, filter, out);
    }
}

fn one(at: &Path, frame: Frame, filter: &Filter, out: &mut Problems) {
    out.one_of(at.field("type"), &filter.kind.to_string(), frame.types);
    own_field(at, frame, filter, out);
    for (field, value) in [
        ("requestHeaderModifier", &filter.request_header_modifier),
        ("responseHeaderModifier", &filter.response_header_modifier),
    ] {
        if let Some(value) = value {
            header_modifier(&at.field(field), value, out);
        }
    }
    if let Some(value) = &filter.request_redirect {
        redirect(&at.field("requestRedirect"), frame, value, out);
    }
    if let Some(value) = &filter.cors {
        cors::cors(&at.field("cors"), value, out);
    }
    if let Some(value) = &filter.external_auth {
        external_auth::external_auth(&at.field("externalAuth"), value, out);
    }
    if let Some(value) = &filter.request_mirror {
        mirror(&at.field("requestMirror"), value, out);
    }
    if let Some(value) = &filter.url_rewrite {
        let at = at.field("urlRewrite");
        out.optional(
            at.field("hostname"),
            value.hostname.as_deref(),
            Format::PreciseHostname,
        );
        path_modifier(&at.field("path"), frame, value.path.as_ref(), out);
    }
}

/// The field that `type` names is set, and no other.
fn own_field(at: &Path, frame: Frame, filter: &Filter, out: &mut Problems) {
    let Open::Known(kind) = filter.kind else {
        return;
    };
    for (owner, field, set) in fields(filter) {
        if set && !frame.types.contains(&owner.as_ref()) {
            let message = "is not a field of this kind of route: remove it, or use an HTTPRoute";
            out.error(at.field(field), message);
        } else if owner == kind && !set {
            out.error(at.field(field), format!("is required with type {kind}"));
        } else if owner != kind && set {
            let message = format!("is not allowed with type {kind}: use type {owner}");
            out.error(at.field(field), message);
        }
    }
}

fn fields(filter: &Filter) -> [(FilterType, &'static str, bool); 8] {
    use FilterType as T;
    [
        (
            T::RequestHeaderModifier,
            "requestHeaderModifier",
            filter.request_header_modifier.is_some(),
        ),
        (
            T::ResponseHeaderModifier,
            "responseHeaderModifier",
            filter.response_header_modifier.is_some(),
        ),
        (
            T::RequestMirror,
            "requestMirror",
            filter.request_mirror.is_some(),
        ),
        (
            T::RequestRedirect,
            "requestRedirect",
            filter.request_redirect.is_some(),
        ),
        (T::UrlRewrite, "urlRewrite", filter.url_rewrite.is_some()),
        (
            T::ExtensionRef,
            "extensionRef",
            filter.extension_ref.is_some(),
        ),
        (T::Cors, "cors", filter.cors.is_some()),
        (
            T::ExternalAuth,
            "externalAuth",
            filter.external_auth.is_some(),
        ),
    ]
}

fn header_modifier(at: &Path, value: &HeaderModifier, out: &mut Problems) {
    headers(&at.field("set"), &value.set, out);
    headers(&at.field("add"), &value.add, out);
    let remove = at.field("remove");
    out.count(remove.clone(), value.remove.len(), 0..=16);
    for (i, name) in value.remove.iter().enumerate() {
        if value.remove[..i].contains(name) {
            out.error(
                remove.index(i),
                format!("{name:?} is given twice: remove one"),
            );
        }
    }
}

fn headers(at: &Path, headers: &[Header], out: &mut Problems) {
    out.count(at.clone(), headers.len(), 0..=16);
    out.unique(at, "name", headers.iter().map(|h| &*h.name));
    for (i, header) in headers.iter().enumerate() {
        out.text(at.index(i).field("name"), &header.name, Format::HeaderName);
        out.text(
            at.index(i).field("value"),
            &header.value,
            Format::HeaderValue,
        );
    }
}

fn mirror(at: &Path, mirror: &RequestMirror, out: &mut Problems) {
    backend::named(&at.field("backendRef"), &mirror.backend_ref, out);
    let Some(fraction) = mirror.fraction else {
        return;
    };
    if mirror.percent.is_some() {
        let message = "excludes fraction: remove one";
        out.error(at.field("percent"), message);
    }
    part(&at.field("fraction"), fraction, out);
}

/// No more than all.
pub(super) fn part(at: &Path, fraction: Fraction, out: &mut Problems) {
    if fraction.numerator > fraction.denominator {
        let message = format!("is more than the denominator, {}", fraction.denominator);
        out.error(at.field("numerator"), format!("{message}: lower it"));
    }
}

fn redirect(at: &Path, frame: Frame, redirect: &RequestRedirect, out: &mut Problems) {
    if let Some(scheme) = &redirect.scheme {
        out.closed(at.field("scheme"), scheme, Scheme::NAMES);
    }
    out.optional(
        at.field("hostname"),
        redirect.hostname.as_deref(),
        Format::PreciseHostname,
    );
    path_modifier(&at.field("path"), frame, redirect.path.as_ref(), out);
}

fn path_modifier(at: &Path, frame: Frame, path: Option<&PathModifier>, out: &mut Problems) {
    let Some(path) = path else { return };
    out.closed(at.field("type"), &path.kind, PathModifierType::NAMES);
    let fields = [
        (
            PathModifierType::ReplaceFullPath,
            "replaceFullPath",
            &path.replace_full_path,
        ),
        (
            PathModifierType::ReplacePrefixMatch,
            "replacePrefixMatch",
            &path.replace_prefix_match,
        ),
    ];
    for (owner, field, value) in fields {
        out.optional(at.field(field), value.as_deref(), Format::PathText);
        match (path.kind.is(owner), value) {
            (true, None) => out.error(at.field(field), format!("is required with type {owner}")),
            (false, Some(_)) => {
                let message = format!("is not allowed with type {}: use type {owner}", path.kind);
                out.error(at.field(field), message);
            }
            _ => (),
        }
    }
    if path.replace_prefix_match.is_some() && !frame.one_prefix {
        let message = "needs exactly one match with path type PathPrefix in its rule: split the \
                       rule, or use ReplaceFullPath";
        out.error(at.field("replacePrefixMatch"), message);
    }
}
