//! Questions by gRPC: one call of `envoy.service.auth.v3.Authorization/Check`.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use gateway_core::{
    http::{
        auth::{
            Edit,
            check::{self, Decision, Denial, Facts},
        },
        grpc,
    },
    plan::{BackendId, Names},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode,
    header::{CONTENT_TYPE, HOST},
    request::Parts,
};

use super::{AuthFailure, Call};
use crate::proxy::{
    answer::Answer,
    body::{AnswerError, Source, Upstream},
    upstream::{Failure, Kind},
};

/// Bytes of an answer; a larger one makes no sense.
const LARGEST: usize = 1 << 20;
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
/// Codes of gRPC that say when to ask again.
const DEADLINE_EXCEEDED: &str = "4";
const UNAVAILABLE: &str = "14";

/// The body of a request: its length, where it is known, and what is shown of it.
pub(super) struct Body {
    pub(super) size: Option<u64>,
    pub(super) shown: Bytes,
}

/// Asks; what is to change about the answer to the client.
pub(super) async fn ask(
    call: Call<'_>,
    of: &BackendId,
    shown: &Names,
    parts: &mut Parts,
    body: Body,
) -> Result<Vec<Edit>, Answer> {
    let client = call.asking.client;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.unwrap_or_default();
    let facts = Facts {
        method: &parts.method,
        target: &parts.uri,
        version: parts.version,
        headers: &parts.headers,
        scheme: client.scheme,
        client: client.peer,
        local: client.local,
        time: since.saturating_sub(call.asking.started.elapsed()),
        size: body.size,
        body: &body.shown,
    };
    let message = check::request(shown, &facts);
    match decision(call, of, message).await? {
        Decision::Allowed(allowance) => {
            if !allowance.apply(&mut parts.headers, &mut parts.uri) {
                return Err(Answer::TargetTooLong);
            }
            Ok(allowance.into_answer())
        }
        Decision::Denied(denial) => Err(Answer::Denied(Box::new(response(denial)))),
    }
}

async fn decision(call: Call<'_>, of: &BackendId, message: Vec<u8>) -> Result<Decision, Answer> {
    let reply = call.send(head(call, of)?, message.into(), true).await?;
    let (head, body) = reply.response.into_parts();
    if head.status != StatusCode::OK || !grpc::is_call(&head.headers) {
        let what = format!("it has status {} and is not of gRPC", head.status);
        return Err(AuthFailure::Nonsense(what).into());
    }
    let body = Upstream::new(body, reply.lease, reply.sent, reply.deadline);
    let collected = body.collect(LARGEST).await;
    let collected = collected.map_err(|error| broken(&error))?;
    let Some((body, trailers)) = collected else {
        let what = format!("it has more than {LARGEST} bytes");
        return Err(AuthFailure::Nonsense(what).into());
    };
    succeeded(&head.headers, &trailers)?;
    let decision = check::read(&body);
    Ok(decision.map_err(|nonsense| AuthFailure::Nonsense(nonsense.to_string()))?)
}

/// The status comes after the answer, or in its place.
fn succeeded(headers: &HeaderMap, trailers: &HeaderMap) -> Result<(), AuthFailure> {
    let status = trailers.get(STATUS).or_else(|| headers.get(STATUS));
    let status = status.map(|status| String::from_utf8_lossy(status.as_bytes()));
    match status.as_deref() {
        Some("0") => Ok(()),
        Some(code) => Err(AuthFailure::Call {
            status: match code {
                UNAVAILABLE => StatusCode::SERVICE_UNAVAILABLE,
                DEADLINE_EXCEEDED => StatusCode::GATEWAY_TIMEOUT,
                _ => StatusCode::BAD_GATEWAY,
            },
            code: code.to_owned(),
        }),
        None => Err(AuthFailure::Nonsense("it has no status of gRPC".to_owned())),
    }
}

fn head(call: Call<'_>, of: &BackendId) -> Result<Parts, Answer> {
    // As a client in the cluster would name it.
    let authority = format!("{}.{}:{}", of.service.name, of.service.namespace, of.port);
    let limit = call.limit().as_millis();
    let request = Request::post(check::PATH)
        .header(HOST, authority)
        .header(CONTENT_TYPE, GRPC)
        .header(TIMEOUT, format!("{limit}m"))
        .body(());
    let request = request.map_err(|error| AuthFailure::Nonsense(error.to_string()))?;
    Ok(request.into_parts().0)
}

fn broken(error: &AnswerError) -> Answer {
    let kind = match error {
        AnswerError::Late => Kind::RequestTimeout,
        AnswerError::Backend(_) | AnswerError::Request(_) => Kind::Reset,
    };
    let detail = error.to_string();
    AuthFailure::Upstream(Failure { kind, detail }).into()
}

fn response(denial: Denial) -> Response<Source> {
    let Denial {
        status,
        headers,
        body,
    } = denial;
    // These two have no body (RFC 9110 section 6.4.1).
    let none = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
    let body = (!none && !body.is_empty()).then(|| Bytes::from(body));
    let mut response = Response::new(Source::Own(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
