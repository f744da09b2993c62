//! Filters of HTTPRoute and GRPCRoute rules and backendRefs.

use std::sync::Arc;

use ::http::{HeaderValue, uri::PathAndQuery};

use super::{cors, external_auth, headers, matches::unknown, mirror};
use crate::{
    api::{
        Filter, FilterType, Open,
        filter::{
            PathModifier, PathModifierType, RequestRedirect, Scheme as ApiScheme, UrlRewrite,
        },
    },
    plan::{HttpFilter, PathRewrite, Redirect, Rewrite, Scheme},
    translate::{Scope, backend::Referrer},
    verdict::RouteVerdict,
};

/// Filters in the order they are written. One that is not understood refuses the route, and is
/// kept as [`HttpFilter::Invalid`] so that it cannot be skipped.
pub(in crate::translate) fn judge(
    scope: Scope,
    referrer: Referrer,
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
    let compile = |(index, filter): (usize, &Filter)| {
        let at = format!("{at}.filters[{index}]");
        let judged = match (&filter.kind, &filter.request_mirror, &filter.external_auth) {
            (Open::Known(FilterType::RequestMirror), Some(source), _) => {
                let at = format!("{at}.requestMirror");
                Ok(mirror::judge(scope, referrer, &at, source, verdicts))
            }
            (Open::Known(FilterType::ExternalAuth), _, Some(source)) => {
                let at = format!("{at}.externalAuth");
                external_auth::judge(scope, referrer, &at, source, verdicts)
            }
            _ => one(&at, filter),
        };
        judged.unwrap_or_else(|verdict| {
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
        FilterType::UrlRewrite => {
            let field = "urlRewrite";
            let source = filter.url_rewrite.as_ref().ok_or_else(|| missing(field))?;
            rewrite(&format!("{at}.{field}"), source).map(HttpFilter::Rewrite)
        }
        // These two are judged before, where they are given.
        FilterType::RequestMirror => Err(missing("requestMirror")),
        FilterType::Cors => {
            let source = filter.cors.as_ref().ok_or_else(|| missing("cors"))?;
            let cors = cors::judge(&format!("{at}.cors"), source)?;
            Ok(HttpFilter::Cors(Arc::new(cors)))
        }
        FilterType::ExternalAuth => Err(missing("externalAuth")),
        FilterType::ExtensionRef => Err(RouteVerdict::NotImplemented {
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
    let rewrite = |source| path_modifier(&format!("{at}.path"), source);
    Ok(Redirect {
        scheme,
        hostname: source.hostname.clone(),
        path: source.path.as_ref().map(rewrite).transpose()?,
        port: source.port,
        status: source.status_code,
    })
}

fn rewrite(at: &str, source: &UrlRewrite) -> Result<Rewrite, RouteVerdict> {
    let hostname = source.hostname.as_ref().map(|hostname| {
        HeaderValue::from_str(hostname).map_err(|_| RouteVerdict::UnsupportedValue {
            at: format!("{at}.hostname"),
            value: format!("{hostname:?}"),
            allowed: "write a host name such as www.example.com".to_owned(),
        })
    });
    let path = source.path.as_ref();
    let path = path.map(|source| path_modifier(&format!("{at}.path"), source));
    Ok(Rewrite {
        hostname: hostname.transpose()?,
        path: path.transpose()?,
    })
}

fn path_modifier(at: &str, source: &PathModifier) -> Result<PathRewrite, RouteVerdict> {
    let (value, field, rewrite): (_, _, fn(Arc<str>) -> PathRewrite) = match &source.kind {
        Open::Known(PathModifierType::ReplaceFullPath) => (
            &source.replace_full_path,
            "replaceFullPath",
            PathRewrite::Full,
        ),
        Open::Known(PathModifierType::ReplacePrefixMatch) => (
            &source.replace_prefix_match,
            "replacePrefixMatch",
            PathRewrite::Prefix,
        ),
        Open::Unknown(kind) => {
            return Err(unknown(format!("{at}.type"), kind, PathModifierType::NAMES));
        }
    };
    let at = format!("{at}.{field}");
    let Some(value) = value else {
        return Err(RouteVerdict::UnsupportedValue {
            at,
            value: "missing".to_owned(),
            allowed: format!("type {} needs it", source.kind),
        });
    };
    Ok(rewrite(absolute(at, value)?))
}

/// A path to put into requests: empty, or with a `/` in front.
fn absolute(at: String, path: &Arc<str>) -> Result<Arc<str>, RouteVerdict> {
    let absolute = match path.is_empty() || path.starts_with('/') {
        true => path.clone(),
        false => format!("/{path}").into(),
    };
    let plain = !path.contains(['?', '#']);
    if plain && (path.is_empty() || PathAndQuery::try_from(&*absolute).is_ok()) {
        return Ok(absolute);
    }
    Err(RouteVerdict::UnsupportedValue {
        at,
        value: format!("{path:?}"),
        allowed: "percent-encode what a path may not have as it is".to_owned(),
    })
}
