//! Checks on a request's head before anything acts on it: what two parties could read in two
//! ways is refused, never guessed at.

use std::net::Ipv6Addr;

use http::{HeaderMap, Method, Version, header, request, uri::Authority};
use thiserror::Error;

/// Longest host name in DNS (RFC 1035 section 2.3.4), with a final dot.
const MAX_HOST: usize = 254;

/// Why a request is refused. The text is the body of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("the request must have exactly one Host header\n")]
    HostCount,
    #[error("the Host header or request target names no valid host\n")]
    HostInvalid,
    #[error("Host header and request target name different hosts\n")]
    HostMismatch,
    #[error("Transfer-Encoding must be exactly \"chunked\"\n")]
    TransferEncoding,
    #[error("Content-Length and Transfer-Encoding must not come together\n")]
    Framing,
    #[error("the request target must be a path\n")]
    Target,
    #[error("CONNECT is not supported\n")]
    Connect,
}

impl Refusal {
    /// The status code of the answer. The connection is closed after it.
    pub fn status(self) -> u16 {
        match self {
            Self::Connect => 501,
            _ => 400,
        }
    }
}

/// The host that a request is for: lower-case, without port and final dot. Empty where the
/// request may name none (HTTP/1.0, or an empty `Host`, RFC 9112 section 3.2).
pub fn check(parts: &request::Parts) -> Result<String, Refusal> {
    if parts.method == Method::CONNECT {
        return Err(Refusal::Connect);
    }
    let star = parts.uri.path() == "*" && parts.method == Method::OPTIONS;
    if !parts.uri.path().starts_with('/') && !star {
        return Err(Refusal::Target);
    }
    check_framing(&parts.headers)?;
    check_host(parts)
}

fn check_framing(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return Ok(());
    };
    if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Err(Refusal::TransferEncoding);
    }
    if headers.contains_key(header::CONTENT_LENGTH) {
        return Err(Refusal::Framing);
    }
    Ok(())
}

fn check_host(parts: &request::Parts) -> Result<String, Refusal> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Refusal::HostCount);
    }
    let header = host.map(|value| value.to_str().map_err(|_| Refusal::HostInvalid));
    let header = header.transpose()?.map(normalize).transpose()?;
    let target = parts
        .uri
        .authority()
        .map(|a| normalize(a.as_str()))
        .transpose()?;
    match (header, target) {
        // HTTP/2 sends :authority alone, or both and equal (RFC 9113 section 8.3.1).
        (header, Some(target)) if parts.version == Version::HTTP_2 => match header {
            Some(header) if header != target => Err(Refusal::HostMismatch),
            _ => Ok(target),
        },
        (None, _) if parts.version == Version::HTTP_11 => Err(Refusal::HostCount),
        // The absolute form wins over the header (RFC 9112 section 3.2.2).
        (_, Some(host)) | (Some(host), None) => Ok(host),
        (None, None) if parts.version == Version::HTTP_10 => Ok(String::new()),
        (None, None) => Err(Refusal::HostCount),
    }
}

fn normalize(authority: &str) -> Result<String, Refusal> {
    if authority.is_empty() {
        return Ok(String::new());
    }
    let parsed: Authority = authority.parse().map_err(|_| Refusal::HostInvalid)?;
    let host = parsed.host();
    let port = &authority[host.len().min(authority.len())..];
    let port_ok = port.is_empty() || port == ":" || parsed.port_u16().is_some();
    if authority.contains('@') || !port_ok || host.len() > MAX_HOST {
        return Err(Refusal::HostInvalid);
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    if !(is_name(host) || is_literal(host)) {
        return Err(Refusal::HostInvalid);
    }
    Ok(host.to_ascii_lowercase())
}

/// As in DNS. RFC 3986 section 3.2.2 allows more, but who takes `a,b` or `%61` for a host reads it
/// in a way of its own.
fn is_name(host: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let label = |label: &str| !label.is_empty() && label.chars().all(plain);
    host.split('.').all(label)
}

fn is_literal(host: &str) -> bool {
    let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    inner.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests;
