//! Paths that redirects and rewrites replace (`HTTPPathModifier`).

use super::Target;
use crate::plan::PathRewrite;

/// Appends the path of a request, changed.
pub(super) fn push(out: &mut String, rewrite: &PathRewrite, from: &Target<'_>) {
    match rewrite {
        PathRewrite::Full(path) => out.push_str(if path.is_empty() { "/" } else { path }),
        PathRewrite::Prefix(replacement) => push_replaced(out, from, replacement),
    }
}

/// The table in the documentation of `HTTPPathModifier.replacePrefixMatch`.
fn push_replaced(out: &mut String, from: &Target<'_>, replacement: &str) {
    let prefix = from.prefix.unwrap_or("/").trim_end_matches('/');
    let rest = from.path.strip_prefix(prefix).unwrap_or_default();
    if rest.is_empty() {
        out.push_str(if replacement.is_empty() {
            "/"
        } else {
            replacement
        });
    } else {
        out.push_str(replacement.strip_suffix('/').unwrap_or(replacement));
        if !rest.starts_with('/') {
            out.push('/');
        }
        out.push_str(rest);
    }
}
