//! What rules of an HTTPRoute ask for beside matches, filters and backends.

use std::time::Duration;

use ::http::HeaderName;

use super::matches::unknown;
use crate::{
    api::{
        Meta, Open,
        duration::ApiDuration,
        policy::{self, CookieLifetime, SessionPersistence, SessionType},
    },
    hash,
    plan::{Carrier, Retry, Session, Timeouts},
    verdict::RouteVerdict,
};

/// Where the API leaves it to us.
const ATTEMPTS: u32 = 2;
const BACKOFF: Duration = Duration::from_millis(25);

pub(super) fn timeouts(source: policy::Timeouts) -> Timeouts {
    // Zero is the API's way to say none.
    let limit = |given: Option<ApiDuration>| given.map(|d| d.0).filter(|d| !d.is_zero());
    Timeouts {
        request: limit(source.request),
        backend: limit(source.backend_request),
    }
}

pub(super) fn retry(source: &policy::Retry) -> Retry {
    Retry {
        codes: source.codes.clone(),
        attempts: source.attempts.unwrap_or(ATTEMPTS),
        backoff: source.backoff.map_or(BACKOFF, |backoff| backoff.0),
    }
}

/// `at`: the field path of the rule, `meta` is of the route.
pub(in crate::translate) fn session(
    at: &str,
    meta: &Meta,
    source: &SessionPersistence,
    verdicts: &mut Vec<RouteVerdict>,
) -> Option<Session> {
    let judged = judge_session(&format!("{at}.sessionPersistence"), at, meta, source);
    judged.map_err(|verdict| verdicts.push(verdict)).ok()
}

fn judge_session(
    at: &str,
    rule: &str,
    meta: &Meta,
    source: &SessionPersistence,
) -> Result<Session, RouteVerdict> {
    let lifetime_type = source.cookie_config.as_ref().map(|c| &c.lifetime_type);
    let permanent = match lifetime_type {
        None | Some(Open::Known(CookieLifetime::Session)) => false,
        Some(Open::Known(CookieLifetime::Permanent)) => true,
        Some(Open::Unknown(kind)) => {
            let at = format!("{at}.cookieConfig.lifetimeType");
            return Err(unknown(at, kind, CookieLifetime::NAMES));
        }
    };
    let carrier = match &source.kind {
        Open::Known(SessionType::Cookie) => Carrier::Cookie { permanent },
        Open::Known(SessionType::Header) => Carrier::Header,
        Open::Unknown(kind) => {
            return Err(unknown(format!("{at}.type"), kind, SessionType::NAMES));
        }
    };
    let route = meta.object_name();
    // Rules must not take each other's cookies for their own.
    let ours = || {
        format!(
            "xdp-session-{:016x}",
            hash::stable(format!("{route} {rule}").as_bytes(), 0)
        )
    };
    let name = source
        .session_name
        .as_deref()
        .map_or_else(ours, str::to_owned);
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(RouteVerdict::UnsupportedValue {
            at: format!("{at}.sessionName"),
            value: format!("{name:?}"),
            allowed: "write a name such as session-1, without spaces".to_owned(),
        });
    }
    let uid = meta.uid.as_deref().unwrap_or_default();
    Ok(Session {
        name: name.into(),
        carrier,
        lifetime: source
            .absolute_timeout
            .map(|d| d.0)
            .filter(|d| !d.is_zero()),
        key: format!("{uid} {route} {rule}").into(),
    })
}
