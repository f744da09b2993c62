//! Which pages of other origins may use a route.

use std::sync::Arc;

use http::HeaderValue;

use super::Scheme;

#[derive(Clone, Debug)]
pub struct Cors {
    pub origins: Origins,
    /// Whether pages may send cookies and the like.
    pub credentials: bool,
    pub methods: Allowed,
    pub headers: Allowed,
    pub expose: Allowed,
    /// Seconds that a browser may keep the answer to a preflight.
    pub max_age: HeaderValue,
}

#[derive(Clone, Debug)]
pub enum Origins {
    All,
    These(Vec<Origin>),
}

/// Values of a header that lists names.
#[derive(Clone, Debug)]
pub enum Allowed {
    All,
    These(HeaderValue),
    /// The header is left out.
    Nothing,
}

/// A set of origins (RFC 6454).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub scheme: Scheme,
    pub host: OriginHost,
    pub port: u16,
}

/// Names are lower-case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginHost {
    All,
    Exact(Arc<str>),
    /// With its first dot: `.example.com`.
    Suffix(Arc<str>),
}

impl Cors {
    /// Whether pages of an origin may use the route; the text is that of the header `Origin`.
    pub fn allows(&self, origin: &HeaderValue) -> bool {
        let Origins::These(origins) = &self.origins else {
            return true;
        };
        let parts = origin.to_str().ok().and_then(parts);
        parts.is_some_and(|parts| origins.iter().any(|origin| origin.takes(parts)))
    }

    /// Whether every page gets the same answer.
    pub fn is_for_all(&self) -> bool {
        matches!(self.origins, Origins::All) && !self.credentials
    }
}

impl Origin {
    /// Reads `scheme://host[:port]`, where the host may be `*` or begin with `*.`.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, host, port) = parts(text)?;
        let host = host.to_ascii_lowercase();
        let host = match host.strip_prefix('*') {
            Some("") => OriginHost::All,
            Some(suffix) => OriginHost::Suffix(suffix.into()),
            None => OriginHost::Exact(host.into()),
        };
        Some(Self { scheme, host, port })
    }

    fn takes(&self, (scheme, host, port): (Scheme, &str, u16)) -> bool {
        self.scheme == scheme && self.port == port && self.host.takes(host)
    }
}

impl OriginHost {
    fn takes(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Exact(name) => host.eq_ignore_ascii_case(name),
            Self::Suffix(suffix) => {
                let start = host.len().saturating_sub(suffix.len());
                let end = host.as_bytes().get(start..).unwrap_or_default();
                start > 0 && end.eq_ignore_ascii_case(suffix.as_bytes())
            }
        }
    }
}

/// Without a port, it is the well-known one of the scheme.
fn parts(origin: &str) -> Option<(Scheme, &str, u16)> {
    let (scheme, rest) = origin.split_once("://")?;
    let (scheme, well_known) = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => (Scheme::Http, 80),
        _ if scheme.eq_ignore_ascii_case("https") => (Scheme::Https, 443),
        _ => return None,
    };
    // A colon within brackets is part of an IPv6 address.
    match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => Some((scheme, host, port.parse().ok()?)),
        _ => Some((scheme, rest, well_known)),
    }
}

#[cfg(test)]
mod tests;
