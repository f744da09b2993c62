//! Answers that the proxy gives itself.

use bytes::Bytes;
use gateway_core::http::{filter::Location, grpc, head::Refusal};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use thiserror::Error;

use super::{
    auth::AuthFailure,
    body::Source,
    flag::Flag,
    upstream::{Failure, Kind},
};

/// Why a request did not reach a backend, or got no answer from it. The text is the body.
#[derive(Debug, Error)]
pub(super) enum Answer {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("this connection was opened for another host\n")]
    Misdirected,
    #[error("the request's target is longer than this gateway takes\n")]
    TargetTooLong,
    #[error("{}\n", Kind::TooLarge)]
    BodyTooLarge,
    #[error("no route for this host and path\n")]
    NotFound,
    #[error("the route for this request is not valid: see its conditions\n")]
    Invalid,
    #[error("no backend is ready\n")]
    NoEndpoint,
    #[error("gRPC needs HTTP/2\n")]
    NeedsHttp2,
    #[error("the backend speaks HTTP/2, which has no Upgrade\n")]
    NoUpgrade,
    #[error("the backend speaks HTTP/2, and the request names no host\n")]
    NoHost,
    #[error("")]
    Redirect(Location),
    /// A browser's question is answered with these headers.
    #[error("")]
    Preflight(HeaderMap),
    #[error("pages of this origin may not use this route\n")]
    ForeignOrigin,
    #[error("{}\n", .0.kind)]
    Upstream(Failure),
    /// An authorization server answers in the backend's place.
    #[error("")]
    Denied(Box<Response<Source>>),
    #[error("whether this request is allowed cannot be found out now\n")]
    AuthFailed(AuthFailure),
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => {
                StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Invalid => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoEndpoint => StatusCode::SERVICE_UNAVAILABLE,
            Self::NeedsHttp2 => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::NoUpgrade => StatusCode::NOT_IMPLEMENTED,
            Self::NoHost => StatusCode::BAD_REQUEST,
            Self::Preflight(_) => StatusCode::NO_CONTENT,
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::Redirect(location) => {
                StatusCode::from_u16(location.status).unwrap_or(StatusCode::FOUND)
            }
            Self::Upstream(failure) => failure.kind.status(),
            Self::Denied(response) => response.status(),
            Self::AuthFailed(failure) => failure.status(),
        }
    }

    pub(super) fn flag(&self) -> Flag {
        match self {
            Self::Refused(_) => Flag::DownstreamProtocol,
            Self::Misdirected => Flag::Misdirected,
            Self::TargetTooLong => Flag::TargetTooLong,
            Self::BodyTooLarge => Flag::BodyTooLarge,
            Self::NotFound => Flag::NoRoute,
            Self::Invalid => Flag::InvalidRoute,
            Self::NoEndpoint => Flag::NoHealthyUpstream,
            Self::NeedsHttp2 | Self::NoUpgrade | Self::NoHost => Flag::Version,
            Self::Redirect(_) => Flag::Redirect,
            Self::Preflight(_) => Flag::Preflight,
            Self::ForeignOrigin => Flag::ForeignOrigin,
            Self::Upstream(failure) => failure.kind.into(),
            Self::Denied(_) => Flag::Unauthorized,
            Self::AuthFailed(_) => Flag::AuthFailure,
        }
    }

    /// The answer to a request; `call`: to one of gRPC, which has its own way to tell a failure.
    pub(super) fn into_response(self, call: bool) -> Response<Source> {
        if let Self::Denied(response) = self {
            return *response;
        }
        if call && !matches!(self, Self::Redirect(_)) {
            return self.into_failure();
        }
        let text = Bytes::from(self.to_string());
        let mut response = Response::new(Source::Own((!text.is_empty()).then_some(text)));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        match self {
            Self::Preflight(answer) => *headers = answer,
            Self::Redirect(location) => match HeaderValue::from_str(&location.url) {
                Ok(url) => {
                    headers.insert(header::LOCATION, url);
                }
                Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
            },
            // Where the message ends is in doubt, so nothing after it can be trusted; or nobody will
            // read it to its end.
            Self::Refused(_) | Self::BodyTooLarge => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
                headers.insert(header::CONTENT_TYPE, PLAIN);
            }
            _ => {
                headers.insert(header::CONTENT_TYPE, PLAIN);
            }
        }
        response
    }

    fn into_failure(self) -> Response<Source> {
        let mut response = Response::new(Source::Own(None));
        let code = grpc::code(self.status().as_u16());
        *response.headers_mut() = grpc::failure(code, self.to_string().trim_end());
        response
    }
}

impl Kind {
    /// Of the answer to a request that failed so.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::ConnectTimeout | Self::BackendTimeout | Self::RequestTimeout => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Self::Connect | Self::Unsteady => StatusCode::SERVICE_UNAVAILABLE,
            Self::Tls | Self::Reset | Self::Protocol => StatusCode::BAD_GATEWAY,
            Self::Silent => StatusCode::REQUEST_TIMEOUT,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }
}

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
