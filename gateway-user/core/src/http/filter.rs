//! What filters do to a message: one match for requests, one for responses.

use http::{HeaderMap, Uri};

use crate::plan::{HeaderEdit, HttpFilter};

mod cors;
mod path;
mod redirect;
mod rewrite;

pub(in crate::http) use cors::asked_method;
pub use cors::{Preflight, cors, preflight, share};
pub use redirect::{Location, Target};

/// What the filters of a rule or backendRef decided about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Forward,
    Redirect(Location),
    /// An authorization server decides: the filter at this index has it. If the request is allowed,
    /// the filters after that one are next.
    Authorize(usize),
    /// A filter could not be understood or resolved: 500.
    Invalid,
}

/// Applies filters in their order to a request's headers and its target `uri`, which is in origin
/// form; `target` tells what they were. An invalid one wins over everything else, because the API
/// forbids to process a rule as if the filter were absent.
pub fn on_request(
    filters: &[HttpFilter],
    headers: &mut HeaderMap,
    uri: &mut Uri,
    target: &Target<'_>,
) -> Decision {
    if filters.iter().any(|f| matches!(f, HttpFilter::Invalid)) {
        return Decision::Invalid;
    }
    for (index, filter) in filters.iter().enumerate() {
        match filter {
            HttpFilter::RequestHeaders(edit) => apply(edit, headers),
            HttpFilter::Redirect(to) => return Decision::Redirect(redirect::locate(to, target)),
            HttpFilter::Rewrite(to) => {
                if !rewrite::apply(to, headers, uri, target) {
                    return Decision::Invalid;
                }
            }
            HttpFilter::ExternalAuth(_) => return Decision::Authorize(index),
            HttpFilter::Invalid => return Decision::Invalid,
            // Mirrors copy what becomes of the request in the end; preflights come before all.
            HttpFilter::ResponseHeaders(_) | HttpFilter::Mirror(_) | HttpFilter::Cors(_) => {}
        }
    }
    Decision::Forward
}

/// Applies what filters want changed in a response.
pub fn on_response(filters: &[HttpFilter], headers: &mut HeaderMap) {
    for filter in filters {
        match filter {
            HttpFilter::ResponseHeaders(edit) => apply(edit, headers),
            HttpFilter::RequestHeaders(_)
            | HttpFilter::Redirect(_)
            | HttpFilter::Rewrite(_)
            | HttpFilter::Mirror(_)
            | HttpFilter::Cors(_)
            | HttpFilter::ExternalAuth(_)
            | HttpFilter::Invalid => {}
        }
    }
}

fn apply(edit: &HeaderEdit, headers: &mut HeaderMap) {
    for (name, value) in &edit.set {
        headers.insert(name, value.clone());
    }
    for (name, value) in &edit.add {
        headers.append(name, value.clone());
    }
    for name in &edit.remove {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;
