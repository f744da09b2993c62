//! Answers that the proxy gives itself.

use bytes::Bytes;
use gateway_core::http::{filter::Location, head::Refusal};
use http::{HeaderValue, Response, StatusCode, header};
use thiserror::Error;

use super::{
    body::Source,
    upstream::{Failure, Kind},
};

/// Why a request did not reach a backend, or got no answer from it. The text is the body.
#[derive(Debug, Error)]
pub(super) enum Answer {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("this connection was opened for another host\n")]
    Misdirected,
    #[error("no route for this host and path\n")]
    NotFound,
    #[error("the route for this request is not valid: see its conditions\n")]
    Invalid,
    #[error("no backend is ready\n")]
    NoEndpoint,
    #[error("")]
    Redirect(Location),
    #[error("{}\n", .0.kind)]
    Upstream(Failure),
}

impl Answer {
    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => {
                StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Invalid => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoEndpoint => StatusCode::SERVICE_UNAVAILABLE,
            Self::Redirect(location) => {
                StatusCode::from_u16(location.status).unwrap_or(StatusCode::FOUND)
            }
            Self::Upstream(failure) => match failure.kind {
                Kind::ConnectTimeout => StatusCode::GATEWAY_TIMEOUT,
                Kind::Connect => StatusCode::SERVICE_UNAVAILABLE,
                Kind::Reset | Kind::Protocol => StatusCode::BAD_GATEWAY,
                Kind::Silent => StatusCode::REQUEST_TIMEOUT,
            },
        }
    }

    pub(super) fn into_response(self) -> Response<Source> {
        let text = Bytes::from(self.to_string());
        let mut response = Response::new(Source::Own((!text.is_empty()).then_some(text)));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        match &self {
            Self::Redirect(location) => match HeaderValue::from_str(&location.url) {
                Ok(url) => {
                    headers.insert(header::LOCATION, url);
                }
                Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
            },
            Self::Refused(_) => {
                // Where the message ends is in doubt, so nothing after it can be trusted.
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
                headers.insert(header::CONTENT_TYPE, PLAIN);
            }
            _ => {
                headers.insert(header::CONTENT_TYPE, PLAIN);
            }
        }
        response
    }
}

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
