//! Authorization servers: what they are asked about a request, and what follows from the answer
//! (the filter `ExternalAuth`, GEP-1494).

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, uri::PathAndQuery};

use super::{forward, rule::Backend};
use crate::{
    endpoints::Endpoints,
    plan::{AuthProtocol, HttpAuth, HttpFilter, Names, external_auth::only},
};

pub mod check;
mod edit;
mod query;

pub use edit::Edit;

/// The name of a header that the API sets beside `Host`.
const AUTHORITY: HeaderName = HeaderName::from_static("authority");

/// Whom to ask before a request may go on. Without a target nothing may.
#[derive(Debug)]
pub struct Auth {
    pub backend: Backend,
    pub protocol: AuthProtocol,
    /// Bytes of a body that is shown, 0: bodies are not.
    pub body_bytes: usize,
}

impl Auth {
    /// Those of a list of filters, in their order.
    pub(super) fn all(filters: &[HttpFilter], endpoints: &Endpoints) -> Box<[Self]> {
        let all = filters.iter().filter_map(|filter| match filter {
            HttpFilter::ExternalAuth(auth) => Some(auth),
            _ => None,
        });
        let compiled = all.map(|auth| Self {
            backend: Backend::new(&auth.backend, endpoints),
            protocol: auth.protocol.clone(),
            body_bytes: usize::from(auth.body_bytes),
        });
        compiled.collect()
    }
}

/// The head of the request that asks a server by HTTP about one for `target` (in origin form):
/// its method goes with it, `length` is of the body that does. `None` if the target is too long.
pub fn question(
    auth: &HttpAuth,
    method: &Method,
    target: &Uri,
    headers: &HeaderMap,
    length: usize,
) -> Option<http::Request<()>> {
    let mut shown = only(headers, &auth.request_headers);
    for name in [header::HOST, header::AUTHORIZATION] {
        shown.remove(&name);
        for value in headers.get_all(&name) {
            shown.append(&name, value.clone());
        }
    }
    // Also where there is no body: the server shall not wait for one.
    shown.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let mut request = http::Request::new(());
    *request.method_mut() = method.clone();
    *request.uri_mut() = prefixed(&auth.path, target)?;
    *request.headers_mut() = shown;
    Some(request)
}

fn prefixed(prefix: &str, target: &Uri) -> Option<Uri> {
    if prefix.is_empty() {
        return Some(target.clone());
    }
    let target = target.path_and_query().map_or("/", PathAndQuery::as_str);
    // Without one is only the target `*`.
    let slash = if target.starts_with('/') { "" } else { "/" };
    let whole = PathAndQuery::try_from(format!("{prefix}{slash}{target}"));
    Some(Uri::from(whole.ok()?))
}

/// Takes over from the answer of a server that allows a request, without headers of its
/// connection, what its backend is to know. What the client itself says under a name that is
/// chosen goes, also where the server says nothing: else clients could speak in its place.
pub fn allow(names: &Names, answer: &HeaderMap, request: &mut HeaderMap) {
    match names {
        Names::These(names) => {
            for name in names {
                replace(name, answer, request);
            }
        }
        Names::All => {
            for name in answer.keys().filter(|name| is_of_the_request(name)) {
                replace(name, answer, request);
            }
        }
    }
}

/// Not so is what says where the answer went or what its body is like: that is not the body that
/// the backend gets.
fn is_of_the_request(name: &HeaderName) -> bool {
    let about_the_answer = forward::is_hop_by_hop(name) || forward::is_of_the_message(name);
    !about_the_answer && *name != AUTHORITY && !name.as_str().starts_with("content-")
}

fn replace(name: &HeaderName, answer: &HeaderMap, request: &mut HeaderMap) {
    request.remove(name);
    for value in answer.get_all(name) {
        request.append(name, value.clone());
    }
}

#[cfg(test)]
mod tests;
