//! One request: checks, route, filters, backend, answer.

use std::rc::Rc;

use gateway_core::{
    http::{
        Backend, Choice, Matched, Outcome, RequestHead, Rule,
        filter::{self, Decision, Target},
        forward,
        head::{self, Refusal},
    },
    plan::HttpFilter,
};
use http::{
    HeaderValue, Request, Response, StatusCode, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TRAILER, TRANSFER_ENCODING, UPGRADE},
    request::Parts,
};
use hyper::{
    body::{Body as _, Incoming},
    upgrade::OnUpgrade,
};

use super::{
    answer::Answer,
    body::{ResponseBody, Source, Upstream},
    client::Client,
    metrics::Flight,
    tunnel,
    upstream::{self, Failure, Kind},
    worker::Worker,
};

/// Answers a request. Whatever goes wrong is an answer, too.
pub(super) async fn handle(
    worker: &Worker,
    client: &Rc<Client>,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let mut flight = worker.metrics.start();
    let (in_flight, ambiguous) = client.next_request();
    let is_http1 = request.version() != Version::HTTP_2;
    let answer = if ambiguous {
        Err(Refusal::Framing.into())
    } else {
        answer(worker, client, request, &mut flight).await
    };
    let mut response = answer.unwrap_or_else(|answer| {
        if let Answer::Upstream(failure) = &answer {
            tracing::debug!(%failure, "no answer from a backend");
        }
        answer.into_response()
    });
    if !is_http1 {
        response.headers_mut().remove(CONNECTION);
    }
    flight.answered(response.status());
    response.map(|source| ResponseBody::new(source, flight, in_flight))
}

async fn answer(
    worker: &Worker,
    client: &Rc<Client>,
    request: Request<Incoming>,
    flight: &mut Flight,
) -> Result<Response<Source>, Answer> {
    let (mut parts, body) = request.into_parts();
    let host = head::check(&parts)?;
    let table = worker.table();
    if client
        .sni
        .as_deref()
        .is_some_and(|sni| table.is_misdirected(client.local, sni, &host))
    {
        return Err(Answer::Misdirected);
    }
    let matched = match table.route(client.local, &request_head(&parts, &host)) {
        Outcome::NoListener => return Err(Answer::NotFound),
        Outcome::NoRoute(listener) => {
            flight.at(worker.metrics.listener(listener));
            return Err(Answer::NotFound);
        }
        Outcome::Matched(matched) => matched,
    };
    flight.at(worker.metrics.listener(matched.listener));
    let rule: &Rule = matched.rule;
    let upgrade = take_upgrade(&mut parts);
    prepare(
        &mut parts,
        client,
        &host,
        upgrade.as_ref().map(|(protocol, _)| protocol),
    );
    let target = parts.uri.clone();
    edit(&rule.filters, &mut parts, &target, client, &host, &matched)?;
    let (backend, endpoints) = match rule.choose(worker.random()) {
        Choice::Invalid => return Err(Answer::Invalid),
        Choice::NoEndpoint(_) => return Err(Answer::NoEndpoint),
        Choice::Backend(backend, endpoints) => (backend, endpoints),
    };
    edit(
        &backend.filters,
        &mut parts,
        &target,
        client,
        &host,
        &matched,
    )?;
    mark_length(&mut parts, &body);
    let reply = upstream::send(worker, endpoints, parts, body).await;
    let reply = reply.map_err(|failure| {
        // Connect errors are counted per attempt.
        if matches!(failure.kind, Kind::Reset | Kind::Protocol) {
            worker.metrics.upstream_error(failure.kind);
        }
        Answer::Upstream(failure)
    })?;
    respond(client, reply, rule, backend, upgrade)
}

fn request_head<'a>(parts: &'a Parts, host: &'a str) -> RequestHead<'a> {
    RequestHead {
        host,
        path: parts.uri.path(),
        method: &parts.method,
        headers: &parts.headers,
        query: parts.uri.query(),
    }
}

/// The protocol that an HTTP/1.1 client wants to switch to, and the means to do so.
fn take_upgrade(parts: &mut Parts) -> Option<(HeaderValue, OnUpgrade)> {
    let on_upgrade = parts.extensions.remove::<OnUpgrade>();
    forward::upgrade(&parts.headers)
        .filter(|_| parts.version == Version::HTTP_11)
        .zip(on_upgrade)
}

/// Makes the head one for an HTTP/1.1 backend: origin form, the client's host, our headers.
fn prepare(parts: &mut Parts, client: &Client, host: &str, upgrade: Option<&HeaderValue>) {
    forward::prepare(&mut parts.headers, upgrade.cloned());
    let authority = parts
        .uri
        .authority()
        .map(|a| HeaderValue::from_str(a.as_str()));
    if let Some(Ok(authority)) = authority {
        parts.headers.insert(HOST, authority);
    } else if !parts.headers.contains_key(HOST)
        && let Ok(host) = HeaderValue::from_str(host)
    {
        parts.headers.insert(HOST, host);
    }
    forward::add_forwarded(&mut parts.headers, &client.address, client.scheme);
    if let Some(path) = parts
        .uri
        .path_and_query()
        .filter(|_| parts.uri.authority().is_some())
    {
        parts.uri = Uri::from(path.clone());
    }
    parts.version = Version::HTTP_11;
}

/// Applies a rule's or a backend's filters to the request.
fn edit(
    filters: &[HttpFilter],
    parts: &mut Parts,
    uri: &Uri,
    client: &Client,
    host: &str,
    matched: &Matched<'_>,
) -> Result<(), Answer> {
    let target = Target {
        scheme: client.scheme,
        host,
        port: client.local.port(),
        path: uri.path(),
        query: uri.query(),
        prefix: matched.prefix.map(AsRef::as_ref),
    };
    match filter::on_request(filters, &mut parts.headers, &target) {
        Decision::Forward => Ok(()),
        Decision::Redirect(location) => Err(Answer::Redirect(location)),
        Decision::Invalid => Err(Answer::Invalid),
    }
}

/// Says how the body is framed: the client library assumes none for methods that rarely have
/// one. A body with trailers goes in chunks, even if its length is known (HTTP/2 allows both).
fn mark_length(parts: &mut Parts, body: &Incoming) {
    let headers = &mut parts.headers;
    if body.is_end_stream() {
        return;
    }
    if headers.contains_key(TRAILER) || !headers.contains_key(CONTENT_LENGTH) {
        headers.remove(CONTENT_LENGTH);
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

fn respond(
    client: &Rc<Client>,
    reply: upstream::Reply,
    rule: &Rule,
    backend: &Backend,
    upgrade: Option<(HeaderValue, OnUpgrade)>,
) -> Result<Response<Source>, Answer> {
    let upstream::Reply {
        mut response,
        lease,
        sent,
    } = reply;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let Some((_, upgraded)) = upgrade else {
            let detail = "it switched protocols unasked".to_owned();
            let kind = Kind::Protocol;
            return Err(Answer::Upstream(Failure { kind, detail }));
        };
        tunnel::start(client.clone(), upgraded, hyper::upgrade::on(&mut response));
        let protocol = response.headers().get(UPGRADE).cloned();
        forward::strip_hop_by_hop(response.headers_mut());
        if let Some(protocol) = protocol {
            response.headers_mut().insert(UPGRADE, protocol);
        }
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("upgrade"));
        return Ok(response.map(|_| Source::Own(None)));
    }
    forward::answer(response.headers_mut());
    filter::on_response(&backend.filters, response.headers_mut());
    filter::on_response(&rule.filters, response.headers_mut());
    *response.version_mut() = Version::HTTP_11;
    Ok(response.map(|body| Source::Upstream(Upstream::new(body, lease, sent))))
}
