//! Pages of other origins: preflights, and what the answers to their requests tell.

use std::sync::Arc;

use gateway_core::{
    http::filter::{self, Preflight},
    plan::{Cors, HttpFilter},
};
use http::{HeaderMap, HeaderValue, header::ORIGIN, request::Parts};

use super::answer::Answer;

/// How an answer is shared.
pub(super) struct Sharing {
    cors: Arc<Cors>,
    /// Of the page that asks.
    origin: Option<HeaderValue>,
}

/// Answers the preflight of a browser, and notes what the answers to its other requests need.
pub(super) fn judge(
    filters: &[HttpFilter],
    parts: &Parts,
    sharing: &mut Option<Sharing>,
) -> Result<(), Answer> {
    let invalid = || filters.iter().any(|f| matches!(f, HttpFilter::Invalid));
    let Some(cors) = filter::cors(filters).filter(|_| !invalid()) else {
        return Ok(());
    };
    *sharing = Some(Sharing {
        cors: cors.clone(),
        origin: parts.headers.get(ORIGIN).cloned(),
    });
    match filter::preflight(cors, &parts.method, &parts.headers) {
        None => Ok(()),
        Some(Preflight::Allowed(headers)) => Err(Answer::Preflight(headers)),
        Some(Preflight::Foreign) => Err(Answer::ForeignOrigin),
    }
}

impl Sharing {
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        filter::share(&self.cors, self.origin.as_ref(), headers);
    }
}
