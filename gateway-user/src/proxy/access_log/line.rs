//! What a line of the access log looks like.

use std::{io::Write as _, net::SocketAddr};

use http::{Uri, Version};
use k8s_openapi::jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::Entry;
use crate::proxy::flag::Flag;

/// What a line says; in JSON, a field without a value is not written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line<'e> {
    /// When the request's head was there (RFC 3339, UTC).
    #[serde(serialize_with = "display")]
    time: Timestamp,
    client: &'e str,
    method: &'e str,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "lossy")]
    host: Option<&'e [u8]>,
    path: &'e str,
    protocol: &'static str,
    /// Namespace and name.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    listener: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<SocketAddr>,
    /// Not there if the client went away before an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why the answer is not a whole one of a backend.
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<&'static str>,
    /// Of `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'e str>,
    response_bytes: u64,
    /// To the last byte of the answer.
    duration_ms: f64,
}

impl<'e> Line<'e> {
    pub(super) fn new(entry: &'e Entry) -> Self {
        let host = entry.host.as_ref().map(AsRef::as_ref);
        let listener = entry.listener.as_deref();
        Self {
            time: entry.time,
            client: entry.client.to_str().unwrap_or_default(),
            method: entry.method.as_str(),
            host: entry
                .uri
                .authority()
                .map(|a| a.as_str().as_bytes())
                .or(host),
            path: path(&entry.uri),
            protocol: protocol(entry.version),
            gateway: listener.map(|listener| listener.gateway.to_string()),
            listener: listener.map(|listener| &*listener.listener),
            upstream: entry.upstream,
            status: entry.status.map(|status| status.as_u16()),
            flags: entry.flag.map(Flag::as_str),
            request_id: entry.id.as_ref().and_then(|id| id.to_str().ok()),
            response_bytes: entry.response_bytes,
            duration_ms: entry.started.elapsed().as_secs_f64() * 1_000.0,
        }
    }

    /// Text and numbers only: it does not fail.
    pub(super) fn json(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    /// The Common Log Format, and behind it what it has no place for. `-` stands for what there
    /// is not.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        let time = self.time.strftime("%d/%b/%Y:%H:%M:%S +0000");
        let (client, method) = (self.client, self.method);
        // Writing to memory does not fail.
        let _ = write!(out, "{client} - - [{time}] \"{method} ");
        escape(self.path.as_bytes(), &mut out);
        let status = Or(self.status);
        let _ = write!(
            out,
            " {}\" {status} {} \"",
            self.protocol, self.response_bytes
        );
        escape(self.host.unwrap_or(b"-"), &mut out);
        let _ = write!(
            out,
            "\" {} {} {} {:.3} {} {}",
            Or(self.gateway.as_ref()),
            Or(self.listener),
            Or(self.upstream),
            self.duration_ms,
            Or(self.flags),
            // Visible ASCII.
            Or(self.request_id),
        );
        out
    }
}

/// Shown as `-` where it is not there.
struct Or<T>(Option<T>);

impl<T: std::fmt::Display> std::fmt::Display for Or<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("-"),
        }
    }
}

/// As Apache httpd does: what a client sends must neither end the quotes nor begin a line.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b' '..=b'~' => out.push(*byte),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
}

fn path(uri: &Uri) -> &str {
    uri.path_and_query()
        .map_or(uri.path(), |path| path.as_str())
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

fn display<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

fn lossy<S: Serializer>(text: &Option<&[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = text.unwrap_or_default();
    serializer.serialize_str(&String::from_utf8_lossy(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line<'static> {
        Line {
            time: "2026-01-31T12:00:00.123456789Z".parse().unwrap(),
            client: "203.0.113.7",
            method: "GET",
            host: Some(b"shop.example.com"),
            path: "/cart?id=7",
            protocol: "HTTP/2",
            gateway: Some("shop/web".to_owned()),
            listener: Some("https"),
            upstream: Some("10.0.3.9:8080".parse().unwrap()),
            status: Some(504),
            flags: Some("UT"),
            request_id: Some("a-1"),
            response_bytes: 5120,
            duration_ms: 12.4,
        }
    }

    fn text(line: &Line<'_>) -> String {
        String::from_utf8(line.text()).unwrap()
    }

    #[test]
    fn json_has_what_there_is() {
        let json = String::from_utf8(line().json().unwrap()).unwrap();
        let expected = r#"{"time":"2026-01-31T12:00:00.123456789Z","client":"203.0.113.7","method":"GET","host":"shop.example.com","path":"/cart?id=7","protocol":"HTTP/2","gateway":"shop/web","listener":"https","upstream":"10.0.3.9:8080","status":504,"flags":"UT","requestId":"a-1","responseBytes":5120,"durationMs":12.4}"#;
        assert_eq!(json, expected);
    }

    #[test]
    fn text_begins_with_the_common_log_format() {
        let expected = "203.0.113.7 - - [31/Jan/2026:12:00:00 +0000] \
                        \"GET /cart?id=7 HTTP/2\" 504 5120 \
                        \"shop.example.com\" shop/web https 10.0.3.9:8080 12.400 UT a-1";
        assert_eq!(text(&line()), expected);
    }

    #[test]
    fn what_there_is_not_is_a_dash() {
        let bare = Line {
            host: None,
            gateway: None,
            listener: None,
            upstream: None,
            status: None,
            flags: None,
            request_id: None,
            ..line()
        };
        let expected = "203.0.113.7 - - [31/Jan/2026:12:00:00 +0000] \
                        \"GET /cart?id=7 HTTP/2\" - 5120 \"-\" - - - 12.400 - -";
        assert_eq!(text(&bare), expected);
    }

    #[test]
    fn a_client_cannot_write_a_line_of_its_own() {
        let sly = Line {
            host: Some(b"a\"\nb\xff\\"),
            path: "/\"x y",
            ..line()
        };
        let text = text(&sly);
        assert!(text.contains(r#""GET /\"x y HTTP/2""#), "{text}");
        assert!(text.contains(r#" "a\"\x0ab\xff\\" "#), "{text}");
    }
}
