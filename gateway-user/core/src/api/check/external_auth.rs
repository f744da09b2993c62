//! Rules for the filter ExternalAuth.

use std::sync::Arc;

use super::{Problems, backend, format::is_path};
use crate::api::{
    Open,
    filter::{AuthProtocol, ExternalAuth},
    path::Path,
};

/// Largest `forwardBody.maxSize`: the CRD has no range, but the API's own type is uint16.
pub(crate) const MOST: i64 = u16::MAX as i64;

pub(super) fn external_auth(at: &Path, auth: &ExternalAuth, out: &mut Problems) {
    out.closed(at.field("protocol"), &auth.protocol, AuthProtocol::NAMES);
    backend::named(&at.field("backendRef"), &auth.backend_ref, out);
    own_field(at, auth, out);
    if let Some(grpc) = &auth.grpc {
        let at = at.field("grpc").field("allowedHeaders");
        out.set(&at, &grpc.allowed_headers, 64);
    }
    if let Some(http) = &auth.http {
        let at = at.field("http");
        out.set(&at.field("allowedHeaders"), &http.allowed_headers, 64);
        let answer = at.field("allowedResponseHeaders");
        out.set(&answer, &http.allowed_response_headers, 64);
        prefix(&at.field("path"), http.path.as_ref(), out);
    }
    let size = auth.forward_body.unwrap_or_default().max_size;
    if !(0..=MOST).contains(&size) {
        let message = format!("{size} is out of range: use 0 to {MOST}");
        out.error(at.field("forwardBody").field("maxSize"), message);
    }
}

/// The field that `protocol` names is set, and not the other.
fn own_field(at: &Path, auth: &ExternalAuth, out: &mut Problems) {
    let Open::Known(protocol) = auth.protocol else {
        return;
    };
    let fields = [
        (AuthProtocol::Grpc, "grpc", auth.grpc.is_some()),
        (AuthProtocol::Http, "http", auth.http.is_some()),
    ];
    for (owner, field, set) in fields {
        if owner == protocol && !set {
            let message = format!("is required with protocol {protocol}; it may be {{}}");
            out.error(at.field(field), message);
        } else if owner != protocol && set {
            let message = format!("is not allowed with protocol {protocol}: use protocol {owner}");
            out.error(at.field(field), message);
        }
    }
}

fn prefix(at: &Path, prefix: Option<&Arc<str>>, out: &mut Problems) {
    let Some(prefix) = prefix else { return };
    let escapes = prefix.split('%').skip(1);
    let whole = |rest: &str| matches!(rest.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    let fits = (1..=1024).contains(&prefix.len()) && prefix.bytes().all(is_path);
    if !fits || !escapes.into_iter().all(whole) {
        let message = format!(
            "{prefix:?} is not the beginning of a path: use 1 to 1024 characters such as /check, \
             percent-encode others"
        );
        out.error(at.clone(), message);
    }
}
