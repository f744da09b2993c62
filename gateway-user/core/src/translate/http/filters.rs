//! Filters of HTTPRoute and GRPCRoute rules and backendRefs.

use super::{headers, matches::unknown};
use crate::{
    api::{
        Filter, FilterType, Open,
        filter::{PathModifier, PathModifierType, RequestRedirect, Scheme as ApiScheme},
    },
    plan::{HttpFilter, PathRewrite, Redirect, Scheme},
    verdict::RouteVerdict,
};

/// Filters in the order they are written. One that is not understood refuses the route, and is
/// kept as [`HttpFilter::Invalid`] so that it cannot be skipped.
pub(in crate::translate) fn judge(
    at: &str,
    filters: &[Filter],
    verdicts: &mut Vec<RouteVerdict>,
) -> Vec<HttpFilter> {
    let has = |kind: FilterType| filters.iter().any(|filter| filter.kind.is(kind));
    if has(FilterType::RequestRedirect) && has(FilterType::UrlRewrite) {
        verdicts.push(RouteVerdict::IncompatibleFilters {
            at: format!("{at}.filters"),
            first: "RequestRedirect",
            second: "URLRewrite",
        });
    }
    let compile = |(index, filter)| {
        let at = format!("{at}.filters[{index}]");
        one(&at, filter).unwrap_or_else(|verdict| {
            verdicts.push(verdict);
            HttpFilter::Invalid
        })
    };
    filters.iter().enumerate().map(compile).collect()
}

fn one(at: &str, filter: &Filter) -> Result<HttpFilter, RouteVerdict> {
    let kind = match &filter.kind {
        Open::Known(kind) => kind,
        Open::Unknown(kind) => {
            return Err(unknown(format!("{at}.type"), kind, FilterType::NAMES));
        }
    };
    let missing = |field: &str| RouteVerdict::UnsupportedValue {
        at: format!("{at}.{field}"),
        value: "missing".to_owned(),
        allowed: format!("type {kind} needs it"),
    };
    match kind {
        FilterType::RequestHeaderModifier => {
            let field = "requestHeaderModifier";
            let edit = filter
                .request_header_modifier
                .as_ref()
                .ok_or_else(|| missing(field))?;
            headers::edit(&format!("{at}.{field}"), edit).map(HttpFilter::RequestHeaders)
        }
        FilterType::ResponseHeaderModifier => {
            let field = "responseHeaderModifier";
            let edit = filter
                .response_header_modifier
                .as_ref()
                .ok_or_else(|| missing(field))?;
            headers::edit(&format!("{at}.{field}"), edit).map(HttpFilter::ResponseHeaders)
        }
        FilterType::RequestRedirect => {
            let field = "requestRedirect";
            let source = filter
                .request_redirect
                .as_ref()
                .ok_or_else(|| missing(field))?;
            redirect(&format!("{at}.{field}"), source).map(HttpFilter::Redirect)
        }
        FilterType::RequestMirror
        | FilterType::UrlRewrite
        | FilterType::ExtensionRef
        | FilterType::Cors
        | FilterType::ExternalAuth => Err(RouteVerdict::NotImplemented {
            at: at.to_owned(),
            what: format!("filter {kind}"),
        }),
    }
}

fn redirect(at: &str, source: &RequestRedirect) -> Result<Redirect, RouteVerdict> {
    let scheme = match &source.scheme {
        None => None,
        Some(Open::Known(ApiScheme::Http)) => Some(Scheme::Http),
        Some(Open::Known(ApiScheme::Https)) => Some(Scheme::Https),
        Some(Open::Unknown(scheme)) => {
            return Err(unknown(format!("{at}.scheme"), scheme, ApiScheme::NAMES));
        }
    };
    let rewrite = |source| path(&format!("{at}.path"), source);
    Ok(Redirect {
        scheme,
        hostname: source.hostname.clone(),
        path: source.path.as_ref().map(rewrite).transpose()?,
        port: source.port,
        status: source.status_code,
    })
}

fn path(at: &str, source: &PathModifier) -> Result<PathRewrite, RouteVerdict> {
    let (rewrite, field) = match &source.kind {
        Open::Known(PathModifierType::ReplaceFullPath) => (
            source.replace_full_path.clone().map(PathRewrite::Full),
            "replaceFullPath",
        ),
        Open::Known(PathModifierType::ReplacePrefixMatch) => (
            source.replace_prefix_match.clone().map(PathRewrite::Prefix),
            "replacePrefixMatch",
        ),
        Open::Unknown(kind) => {
            return Err(unknown(format!("{at}.type"), kind, PathModifierType::NAMES));
        }
    };
    rewrite.ok_or_else(|| RouteVerdict::UnsupportedValue {
        at: format!("{at}.{field}"),
        value: "missing".to_owned(),
        allowed: format!("type {} needs it", source.kind),
    })
}
