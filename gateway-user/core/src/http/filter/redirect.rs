//! Where a redirect leads (`HTTPRequestRedirectFilter`).

use std::fmt::Write;

use super::path;
use crate::plan::{Redirect, Scheme};

/// What a redirect takes from the request and its listener.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub scheme: Scheme,
    /// Host of the request, without port; IPv6 addresses in brackets.
    pub host: &'a str,
    /// Port of the listener.
    pub port: u16,
    pub path: &'a str,
    pub query: Option<&'a str>,
    /// The path prefix that the rule matched.
    pub prefix: Option<&'a str>,
}

/// Status code and `Location` of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub status: u16,
    pub url: String,
}

/// Parts that the redirect does not name come from the request, the query always does. The port
/// is left out where it is the well-known one of the scheme, as the API asks.
pub(super) fn locate(redirect: &Redirect, from: &Target<'_>) -> Location {
    let scheme = redirect.scheme.unwrap_or(from.scheme);
    let (name, well_known) = match scheme {
        Scheme::Http => ("http", 80),
        Scheme::Https => ("https", 443),
    };
    let port = match (redirect.port, redirect.scheme) {
        (Some(port), _) => port,
        (None, Some(_)) => well_known,
        (None, None) => from.port,
    };
    let host = redirect.hostname.as_deref().unwrap_or(from.host);
    let mut url = format!("{name}://{host}");
    if port != well_known {
        // Writing to a String cannot fail.
        let _ = write!(url, ":{port}");
    }
    match &redirect.path {
        None => url.push_str(from.path),
        Some(path) => path::push(&mut url, path, from),
    }
    if let Some(query) = from.query {
        url.push('?');
        url.push_str(query);
    }
    Location {
        status: redirect.status,
        url,
    }
}

#[cfg(test)]
mod tests;
