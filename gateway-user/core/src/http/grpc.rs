//! Failures of calls in the words of gRPC: always a 200, the status in headers.

use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Status codes of gRPC, as far as the proxy answers with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Unknown = 2,
    DeadlineExceeded = 4,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
}

/// Whether a request is a call, by its content type: `application/grpc`, or that with a suffix
/// for the encoding. Such a client reads failures only in the way of gRPC.
pub fn is_call(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let rest = value.and_then(|value| value.strip_prefix(GRPC.as_bytes()));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// The code for a failure whose HTTP status would be `status` ("HTTP to gRPC Status Code
/// Mapping" of the gRPC documentation), but for three: a rule or backend that is not valid (500)
/// is `UNAVAILABLE` (API documentation of `GRPCRouteRule.backendRefs`), a request that does
/// not come to its end (408) is late, and one that is too large (413) has used up what it may.
pub fn code(status: u16) -> Code {
    match status {
        400 | 414 | 431 => Code::Internal,
        404 => Code::Unimplemented,
        408 => Code::DeadlineExceeded,
        413 => Code::ResourceExhausted,
        429 | 500 | 502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

/// Headers of an answer without a body that tells the failure (gRPC over HTTP/2,
/// "Trailers-Only").
pub fn failure(code: Code, message: &str) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(CONTENT_TYPE, GRPC);
    headers.insert(STATUS, HeaderValue::from(code as u16));
    if let Ok(message) = HeaderValue::try_from(encode(message)) {
        headers.insert(MESSAGE, message);
    }
    headers
}

/// Percent-encodes what a message may not have as it is ("Percent-Encoded" of gRPC over HTTP/2).
fn encode(message: &str) -> String {
    let mut encoded = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b'%' => encoded.push_str("%25"),
            b' '..=b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_known_by_their_content_type() {
        let is_call = |value: &'static str| {
            is_call(&HeaderMap::from_iter([(
                CONTENT_TYPE,
                HeaderValue::from_static(value),
            )]))
        };
        for call in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;x=y",
        ] {
            assert!(is_call(call), "{call}");
        }
        for other in [
            "application/grpc-web",
            "application/grpcx",
            "text/plain",
            "",
        ] {
            assert!(!is_call(other), "{other}");
        }
        assert!(!super::is_call(&HeaderMap::new()));
    }

    #[test]
    fn a_failure_is_told_in_headers() {
        let headers = failure(code(404), "no route: 100 %\nä");
        let told: Vec<_> = headers
            .iter()
            .map(|(k, v)| format!("{k}: {}", v.to_str().unwrap()))
            .collect();
        let expected = [
            "content-type: application/grpc",
            "grpc-status: 12",
            "grpc-message: no route: 100 %25%0A%C3%A4",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_cannot_be_served_now_is_unavailable() {
        for status in [429, 500, 502, 503, 504] {
            assert_eq!(code(status), Code::Unavailable, "{status}");
        }
        assert_eq!(code(400), Code::Internal);
        assert_eq!(code(413), Code::ResourceExhausted);
        assert_eq!(code(421), Code::Unknown);
    }
}
