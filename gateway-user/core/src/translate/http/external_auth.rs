//! Authorization servers. A rule whose server cannot be asked lets nothing through.

use std::sync::Arc;

use ::http::{HeaderName, uri::PathAndQuery};

use super::{headers, matches::unknown};
use crate::{
    api::{
        Open,
        check::MOST_SHOWN,
        filter::{AuthProtocol as Protocol, ExternalAuth as Source, ForwardBody, HttpAuth},
    },
    http::forward,
    plan::{AuthProtocol, ExternalAuth, HttpAuth as Planned, HttpFilter, Names, Target},
    translate::{
        Scope,
        backend::{self, Referrer, Speech},
    },
    verdict::RouteVerdict,
};

/// [`HttpFilter::Invalid`] where the reference cannot be resolved: the filter fails closed.
///
/// # Errors
/// Something in it is not understood, or cannot be honoured.
pub(super) fn judge(
    scope: Scope,
    referrer: Referrer,
    at: &str,
    source: &Source,
    verdicts: &mut Vec<RouteVerdict>,
) -> Result<HttpFilter, RouteVerdict> {
    let (protocol, speech) = protocol(at, source)?;
    let body_bytes = body_bytes(at, source.forward_body.unwrap_or_default())?;
    let reference = (&source.backend_ref).into();
    let at = format!("{at}.backendRef");
    let backend = backend::spoken_backend(scope, referrer, speech, &at, &reference, verdicts);
    if backend.target == Target::Invalid {
        return Ok(HttpFilter::Invalid);
    }
    Ok(HttpFilter::ExternalAuth(Box::new(ExternalAuth {
        backend,
        protocol,
        body_bytes,
    })))
}

fn protocol(at: &str, source: &Source) -> Result<(AuthProtocol, Speech), RouteVerdict> {
    let missing = |field: &str| RouteVerdict::UnsupportedValue {
        at: format!("{at}.{field}"),
        value: "missing".to_owned(),
        allowed: format!("protocol {} needs it; it may be {{}}", source.protocol),
    };
    match &source.protocol {
        Open::Known(Protocol::Http) => {
            let http = source.http.as_ref().ok_or_else(|| missing("http"))?;
            let http = self::http(&format!("{at}.http"), http)?;
            Ok((AuthProtocol::Http(http), Speech::Requests))
        }
        Open::Known(Protocol::Grpc) => {
            let grpc = source.grpc.as_ref().ok_or_else(|| missing("grpc"))?;
            let at = format!("{at}.grpc.allowedHeaders");
            let names = some_or_all(&at, &grpc.allowed_headers)?;
            Ok((AuthProtocol::Grpc(names), Speech::Calls))
        }
        Open::Unknown(protocol) => {
            let at = format!("{at}.protocol");
            Err(unknown(at, protocol, Protocol::NAMES))
        }
    }
}

fn http(at: &str, source: &HttpAuth) -> Result<Planned, RouteVerdict> {
    let path = source.path.as_deref().unwrap_or_default();
    let allowed = format!("{at}.allowedHeaders");
    let answer = format!("{at}.allowedResponseHeaders");
    let response_headers = some_or_all(&answer, &source.allowed_response_headers)?;
    if let Names::These(names) = &response_headers {
        copied(&answer, names)?;
    }
    Ok(Planned {
        path: prefix(&format!("{at}.path"), path)?,
        request_headers: names(&allowed, &source.allowed_headers)?,
        response_headers,
    })
}

/// A prefix for paths of requests, which shall lead nowhere else than it says.
fn prefix(at: &str, path: &str) -> Result<Arc<str>, RouteVerdict> {
    let trimmed = path.trim_matches('/');
    if trimmed.is_empty() {
        return Ok("".into());
    }
    let lower = trimmed.to_ascii_lowercase().replace("%2e", ".");
    let leads_away = |part: &str| matches!(part, "" | "." | "..");
    let strange = trimmed.contains(['?', '#']) || lower.contains("%2f");
    let absolute = format!("/{trimmed}");
    if !strange && !lower.split('/').any(leads_away) && PathAndQuery::try_from(&*absolute).is_ok() {
        return Ok(absolute.into());
    }
    Err(RouteVerdict::UnsupportedValue {
        at: at.to_owned(),
        value: format!("{path:?}"),
        allowed: "write the beginning of a path such as /check, without empty parts, \".\" or \
                  \"..\""
            .to_owned(),
    })
}

fn some_or_all(at: &str, source: &[Arc<str>]) -> Result<Names, RouteVerdict> {
    match source {
        [] => Ok(Names::All),
        given => Ok(Names::These(names(at, given)?)),
    }
}

/// Headers that concern one connection cannot be shown to another one's peer.
fn names(at: &str, source: &[Arc<str>]) -> Result<Box<[HeaderName]>, RouteVerdict> {
    let names = headers::names(at, source)?;
    match names.iter().position(forward::is_hop_by_hop) {
        Some(index) => Err(refused(at, index, &names[index])),
        None => Ok(names.into()),
    }
}

/// `Host` and the length of the body stay those of the request.
fn copied(at: &str, names: &[HeaderName]) -> Result<(), RouteVerdict> {
    match names.iter().position(forward::is_of_the_message) {
        Some(index) => Err(refused(at, index, &names[index])),
        None => Ok(()),
    }
}

fn refused(at: &str, index: usize, name: &HeaderName) -> RouteVerdict {
    RouteVerdict::UnsupportedValue {
        at: format!("{at}[{index}]"),
        value: format!("\"{name}\""),
        allowed: "this header cannot be taken from one message to another; remove it".to_owned(),
    }
}

fn body_bytes(at: &str, source: ForwardBody) -> Result<u16, RouteVerdict> {
    u16::try_from(source.max_size).map_err(|_| RouteVerdict::UnsupportedValue {
        at: format!("{at}.forwardBody.maxSize"),
        value: source.max_size.to_string(),
        allowed: format!("use 0 to {MOST_SHOWN}"),
    })
}

#[cfg(test)]
mod tests;
