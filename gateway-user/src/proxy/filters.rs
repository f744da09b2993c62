//! The filters of a rule or a backend, in their order, on a request's way to a backend.

use gateway_core::{
    http::{
        Auth, Matched,
        auth::Edit,
        filter::{self, Decision, Target},
    },
    plan::HttpFilter,
};
use http::{Uri, request::Parts};

use super::{
    answer::Answer,
    auth::{self, Asking},
    body::Unsent,
};

/// A request as it came; filters that refer to it mean that.
pub(super) struct Came<'a> {
    pub(super) asking: Asking<'a>,
    pub(super) matched: &'a Matched<'a>,
    pub(super) host: &'a str,
    pub(super) uri: Uri,
}

/// Applies filters; `auths` are what those of them ask that have an authorization server. What is
/// to change about the answer to the client is added to `changes`.
///
/// # Errors
/// The answer for the client, if one of them gives one.
pub(super) async fn apply(
    came: &Came<'_>,
    (mut filters, auths): (&[HttpFilter], &[Auth]),
    parts: &mut Parts,
    body: &mut Unsent,
    changes: &mut Vec<Edit>,
) -> Result<(), Answer> {
    let mut auths = auths.iter();
    loop {
        let index = match step(came, filters, parts) {
            Decision::Forward => return Ok(()),
            Decision::Redirect(location) => return Err(Answer::Redirect(location)),
            Decision::Invalid => return Err(Answer::Invalid),
            Decision::Authorize(index) => index,
        };
        // As many as there are such filters; without one nothing may go on.
        let auth = auths.next().ok_or(Answer::Invalid)?;
        // Apart, so that requests that need none of it stay small.
        changes.extend(Box::pin(auth::ask(came.asking, auth, parts, body)).await?);
        filters = filters.get(index + 1..).unwrap_or_default();
    }
}

fn step(came: &Came<'_>, filters: &[HttpFilter], parts: &mut Parts) -> Decision {
    let client = came.asking.client;
    let from = Target {
        scheme: client.scheme,
        host: came.host,
        port: client.local.port(),
        path: came.uri.path(),
        query: came.uri.query(),
        prefix: came.matched.prefix.map(AsRef::as_ref),
    };
    filter::on_request(filters, &mut parts.headers, &mut parts.uri, &from)
}
