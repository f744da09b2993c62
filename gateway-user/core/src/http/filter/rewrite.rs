//! What a backend sees as host and path (`HTTPURLRewriteFilter`).

use http::{HeaderMap, Uri, header::HOST};

use super::{Target, path};
use crate::plan::Rewrite;

/// Sets `Host` and the request's target; the query stays as it is. False if that gives no valid
/// target.
pub(super) fn apply(
    rewrite: &Rewrite,
    headers: &mut HeaderMap,
    uri: &mut Uri,
    from: &Target<'_>,
) -> bool {
    if let Some(hostname) = &rewrite.hostname {
        headers.insert(HOST, hostname.clone());
    }
    let Some(path) = &rewrite.path else {
        return true;
    };
    let query = from.query.map_or(0, |query| query.len() + 1);
    let mut target = String::with_capacity(from.path.len() + query + 16);
    path::push(&mut target, path, from);
    if let Some(query) = from.query {
        target.push('?');
        target.push_str(query);
    }
    match Uri::try_from(target) {
        Ok(rewritten) => *uri = rewritten,
        Err(_) => return false,
    }
    true
}

#[cfg(test)]
mod tests;
