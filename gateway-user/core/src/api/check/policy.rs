//! Rules for what rules ask for beside matches, filters and backends.

use super::Problems;
use crate::api::{
    path::Path,
    policy::{CookieLifetime, Retry, SessionPersistence, SessionType, Timeouts},
};

pub(super) fn timeouts(at: &Path, timeouts: Timeouts, out: &mut Problems) {
    let (Some(request), Some(backend)) = (timeouts.request, timeouts.backend_request) else {
        return;
    };
    if !request.0.is_zero() && backend > request {
        let message = "is longer than timeouts.request, which it is a part of: shorten it";
        out.error(at.field("backendRequest"), message);
    }
}

pub(super) fn retry(at: &Path, retry: &Retry, out: &mut Problems) {
    let codes = at.field("codes");
    for (i, code) in retry.codes.iter().enumerate() {
        if retry.codes[..i].contains(code) {
            out.error(codes.index(i), format!("{code} is given twice: remove one"));
        }
    }
}

pub(super) fn session(at: &Path, session: &SessionPersistence, out: &mut Problems) {
    out.closed(at.field("type"), &session.kind, SessionType::NAMES);
    let name = session.session_name.as_deref().unwrap_or_default();
    if name.chars().count() > 128 {
        out.error(
            at.field("sessionName"),
            "has more than 128 characters: shorten it",
        );
    }
    let Some(cookie) = &session.cookie_config else {
        return;
    };
    let at = at.field("cookieConfig");
    if session.kind != SessionType::Cookie.into() {
        out.error(at.clone(), "is only allowed with type Cookie: remove it");
    }
    let at = at.field("lifetimeType");
    out.closed(at.clone(), &cookie.lifetime_type, CookieLifetime::NAMES);
    if cookie.lifetime_type.is(CookieLifetime::Permanent) && session.absolute_timeout.is_none() {
        let message = "is Permanent, which needs absoluteTimeout beside cookieConfig: add it";
        out.error(at, message);
    }
}
