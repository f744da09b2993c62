//! Asking authorization servers. They are backends as all others; whatever goes wrong with them,
//! the request does not go on.

use std::{
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use gateway_core::{
    http::{
        Auth,
        auth::{Edit, allow, question},
        forward,
    },
    plan::{AuthProtocol, HttpAuth, Retry, Timeouts},
};
use http::{Response, StatusCode, Version, request::Parts};
use thiserror::Error;
use tokio::time::Instant as Deadline;

use super::{
    answer::Answer,
    body::{BodyError, Held, Inbound, Source, Unsent, Upstream},
    client::Client,
    metrics::AuthOutcome,
    outgoing,
    upstream::{self, Failure, Kind, Outgoing, Reply},
    worker::Worker,
};

mod grpc;

/// A server that has not answered by then cannot be asked; less, if the route allows less.
const LONGEST: Duration = Duration::from_secs(5);
/// An answer of which only the head counts may take so long to free its connection.
const DISCARDING: Duration = Duration::from_secs(1);
/// A server that breaks a connection off is asked once more: it was about nothing but a question.
const RETRY: Retry = Retry {
    codes: Vec::new(),
    attempts: 1,
    backoff: Duration::from_millis(25),
};

/// Why there is no decision.
#[derive(Debug, Error)]
pub(super) enum AuthFailure {
    #[error("no endpoint of the authorization server is ready")]
    NoEndpoint,
    #[error("the authorization server: {0}")]
    Upstream(Failure),
    #[error("the authorization server's answer makes no sense: {0}")]
    Nonsense(String),
    #[error("the authorization server fails the call with status {code} of gRPC")]
    Call { status: StatusCode, code: String },
}

/// Who asks, and when the request began.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) worker: &'a Rc<Worker>,
    pub(super) client: &'a Client,
    /// How long the request may take in all.
    pub(super) limit: Option<Duration>,
    pub(super) started: Instant,
}

/// Asks whether a request may go on, and takes into its head what the server wants its backend to
/// know. Its body is read before, if the server shall see it. What is to change about the answer
/// to the client, in the end.
///
/// # Errors
/// The answer for the client: the server does not allow the request, or cannot be asked; or the
/// body does not fit.
pub(super) async fn ask(
    asking: Asking<'_>,
    auth: &Auth,
    parts: &mut Parts,
    body: &mut Unsent,
) -> Result<Vec<Edit>, Answer> {
    let decided = decide(asking, auth, parts, body).await;
    let outcome = match &decided {
        Ok(_) => Some(AuthOutcome::Allowed),
        Err(Answer::Denied(_)) => Some(AuthOutcome::Denied),
        Err(Answer::AuthFailed(_)) => Some(AuthOutcome::Failed),
        // It was not asked.
        Err(_) => None,
    };
    if let Some(outcome) = outcome {
        asking.worker.metrics.authorized(outcome);
    }
    if decided.is_err() {
        body.give_up();
    }
    decided
}

async fn decide(
    asking: Asking<'_>,
    auth: &Auth,
    parts: &mut Parts,
    body: &mut Unsent,
) -> Result<Vec<Edit>, Answer> {
    let Some(target) = &auth.backend.target else {
        return Err(Answer::Invalid);
    };
    let shown = match auth.body_bytes {
        0 => Bytes::new(),
        most => hold(asking, body, most).await?,
    };
    if target.endpoints.is_empty() {
        return Err(AuthFailure::NoEndpoint.into());
    }
    let call = Call {
        asking,
        auth,
        endpoints: &target.endpoints,
    };
    match &auth.protocol {
        AuthProtocol::Http(http) => {
            by_http(call, http, parts, shown).await?;
            Ok(Vec::new())
        }
        AuthProtocol::Grpc(names) => {
            let size = body.length();
            let body = grpc::Body { size, shown };
            grpc::ask(call, &target.id, names, parts, body).await
        }
    }
}

async fn hold(asking: Asking<'_>, body: &mut Unsent, most: usize) -> Result<Bytes, Answer> {
    let held = body.hold(most, asking.client.limits.body_timeout);
    let held = match asking.left() {
        None => held.await,
        Some(left) => match tokio::time::timeout(left, held).await {
            Ok(held) => held,
            Err(_) => {
                let detail = "the body was not there in time".to_owned();
                let kind = Kind::RequestTimeout;
                return Err(Answer::Upstream(Failure { kind, detail }));
            }
        },
    };
    held.map(Held::bytes).map_err(|error| unread(&error))
}

/// What a client gets whose body cannot be shown.
fn unread(error: &BodyError) -> Answer {
    match error.fault() {
        Some(Kind::TooLarge) => Answer::BodyTooLarge,
        kind => Answer::Upstream(Failure {
            kind: kind.unwrap_or(Kind::Malformed),
            detail: error.to_string(),
        }),
    }
}

/// One question.
#[derive(Clone, Copy)]
struct Call<'a> {
    asking: Asking<'a>,
    auth: &'a Auth,
    endpoints: &'a [SocketAddr],
}

async fn by_http(
    call: Call<'_>,
    auth: &HttpAuth,
    parts: &mut Parts,
    body: Bytes,
) -> Result<(), Answer> {
    let asked = question(auth, &parts.method, &parts.uri, &parts.headers, body.len());
    let (asked, ()) = asked.ok_or(Answer::TargetTooLong)?.into_parts();
    let mut reply = call.send(asked, body, false).await?;
    let status = reply.response.status();
    forward::answer(reply.response.headers_mut());
    match status {
        StatusCode::OK => {
            allow(
                &auth.response_headers,
                reply.response.headers(),
                &mut parts.headers,
            );
            discard(reply);
            Ok(())
        }
        StatusCode::SWITCHING_PROTOCOLS => {
            let nonsense = "it switched protocols unasked".to_owned();
            Err(AuthFailure::Nonsense(nonsense).into())
        }
        _ => Err(Answer::Denied(Box::new(call.denial(reply)))),
    }
}

impl Asking<'_> {
    /// What is left of the time that the request may take.
    pub(super) fn left(&self) -> Option<Duration> {
        let limit = self.limit?;
        Some(limit.saturating_sub(self.started.elapsed()))
    }
}

impl Call<'_> {
    /// How long it may take.
    fn limit(&self) -> Duration {
        self.asking.left().map_or(LONGEST, |left| left.min(LONGEST))
    }

    /// `trailers`: they are read.
    async fn send(self, mut parts: Parts, body: Bytes, trailers: bool) -> Result<Reply, Answer> {
        let backend = &self.auth.backend;
        let worker = self.asking.worker;
        let body = Inbound::own(body);
        outgoing::fit(&mut parts, backend, body.is_end_stream(), trailers, None)?;
        let request = Outgoing {
            parts,
            body,
            pause: None,
            timeouts: Timeouts {
                request: Some(self.limit()),
                backend: None,
            },
            retry: Some(&RETRY),
            seat: None,
        };
        let reply = upstream::send(worker, backend, self.endpoints, request).await;
        let reply = reply.map_err(|failure| {
            worker.failed(&failure);
            AuthFailure::Upstream(failure)
        })?;
        let status = reply.response.status();
        worker.streaks.answered(reply.endpoint, status);
        Ok(reply)
    }

    /// The server's answer as the client's: from here on it may take as long as any other.
    fn denial(&self, reply: Reply) -> Response<Source> {
        let left = self.asking.left();
        let deadline = left.and_then(|left| Deadline::now().checked_add(left));
        let mut response = reply.response;
        *response.version_mut() = Version::HTTP_11;
        let (lease, sent) = (reply.lease, reply.sent);
        response.map(|body| Source::Upstream(Upstream::new(body, lease, sent, deadline)))
    }
}

/// Frees the connection of an answer whose body nobody needs.
fn discard(reply: Reply) {
    let deadline = Some(Deadline::now() + DISCARDING);
    let body = reply.response.into_body();
    let body = Upstream::new(body, reply.lease, reply.sent, deadline);
    tokio::task::spawn_local(body.discard());
}

impl AuthFailure {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoEndpoint => StatusCode::SERVICE_UNAVAILABLE,
            Self::Upstream(failure) => failure.kind.status(),
            Self::Nonsense(_) => StatusCode::BAD_GATEWAY,
            Self::Call { status, .. } => *status,
        }
    }
}

impl From<AuthFailure> for Answer {
    fn from(failure: AuthFailure) -> Self {
        Self::AuthFailed(failure)
    }
}
