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

/// Answers the preflight of a browser, and notes what the answers to its other requests need. Of
/// the filters of a rule and of a backend, the latter are closer to the answer and go last.
pub(super) fn judge(
    all: [&[HttpFilter]; 2],
    parts: &Parts,
    sharing: &mut Option<Sharing>,
) -> Result<(), Answer> {
    for filters in all {
        // Nothing may be processed as if such a filter were absent.
        if filters.iter().any(|f| matches!(f, HttpFilter::Invalid)) {
            break;
        }
        let Some(cors) = filter::cors(filters) else {
            continue;
        };
        *sharing = Some(Sharing {
            cors: cors.clone(),
            origin: parts.headers.get(ORIGIN).cloned(),
        });
        match filter::preflight(cors, &parts.method, &parts.headers) {
            None => {}
            Some(Preflight::Allowed(headers)) => return Err(Answer::Preflight(headers)),
            Some(Preflight::Foreign) => return Err(Answer::ForeignOrigin),
        }
    }
    Ok(())
}

impl Sharing {
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        filter::share(&self.cors, self.origin.as_ref(), headers);
    }
}
