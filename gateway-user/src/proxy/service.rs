//! One request: checks, route, filters, backend, answer.

use std::{net::SocketAddr, rc::Rc};

use gateway_core::{
    balance::Share,
    http::{
        Backend, Choice, Matched, Outcome, RequestHead, Rule, Seat,
        auth::Edit,
        filter, forward, grpc,
        head::{self, Refusal},
        request_id::{self, X_REQUEST_ID},
    },
    plan::{RouteKind, Timeouts},
};
use http::{
    HeaderValue, Request, Response, StatusCode, Uri, Version,
    header::{CONNECTION, EXPECT, HOST, UPGRADE},
    request::Parts,
};
use hyper::{body::Incoming, upgrade::OnUpgrade};

use super::{
    access_log::Entry,
    answer::Answer,
    auth::Asking,
    body::{Inbound, ResponseBody, Room, Source, Unsent, Upstream},
    client::Client,
    filters::{self, Came},
    metrics::Flight,
    mirror, outgoing, request, session,
    sharing::{self, Sharing},
    tunnel,
    upstream::{self, Failure, Kind, Outgoing},
    worker::Worker,
};

/// A request on its way, beside its head and body.
struct Exchange<'e> {
    worker: &'e Rc<Worker>,
    client: &'e Rc<Client>,
    flight: Flight,
    /// By which other logs know the request.
    id: Option<HeaderValue>,
    /// How the answer is shared with pages of other origins, whoever gives it.
    sharing: Option<Sharing>,
    /// What authorization servers want changed about the answer, whoever gives it.
    changes: Vec<Edit>,
}

/// Answers a request. Whatever goes wrong is an answer, too.
pub(super) async fn handle(
    worker: &Rc<Worker>,
    client: &Rc<Client>,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let id = request::id(worker, client, request.headers());
    let mut exchange = Exchange {
        worker,
        client,
        flight: worker
            .metrics
            .start(entry(worker, client, &request, id.as_ref())),
        id,
        sharing: None,
        changes: Vec::new(),
    };
    let (in_flight, ambiguous) = client.next_request();
    let is_http1 = request.version() != Version::HTTP_2;
    let is_call = !is_http1 && grpc::is_call(request.headers());
    let answer = if ambiguous {
        Err(Refusal::Framing.into())
    } else {
        answer(&mut exchange, request).await
    };
    let mut status = None;
    let mut response = answer.unwrap_or_else(|answer| {
        match &answer {
            Answer::Upstream(failure) => tracing::debug!(%failure, "no answer from a backend"),
            Answer::AuthFailed(failure) => tracing::debug!(%failure, "a request is not authorized"),
            _ => {}
        }
        status = Some(answer.status());
        let flag = answer.flag();
        exchange.flight.note(|entry| entry.flag(flag));
        answer.into_response(is_call)
    });
    let Exchange {
        mut flight,
        id,
        sharing,
        changes,
        ..
    } = exchange;
    for change in changes {
        change.apply(response.headers_mut());
    }
    if let Some(id) = id.filter(|_| client.request_id.in_response) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    if let Some(sharing) = sharing {
        sharing.apply(response.headers_mut());
    }
    if !is_http1 {
        response.headers_mut().remove(CONNECTION);
    } else if worker.groups.is_leaving() && !response.status().is_informational() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    // What fails counts as the failure that it is, also where gRPC says 200.
    flight.answered(status.unwrap_or(response.status()));
    response.map(|source| ResponseBody::new(source, flight, in_flight))
}

/// What to write about a request, where that is wished.
fn entry<B>(
    worker: &Worker,
    client: &Client,
    request: &Request<B>,
    id: Option<&HeaderValue>,
) -> Option<Box<Entry>> {
    let wish = client.access_log?;
    let address = client.address.clone();
    let entry = worker.access_log.entry(request, address, wish.format);
    let entry = entry.named(id.cloned());
    let sampled = wish.sample == Share::ALL || wish.sample.takes(worker.random());
    Some(Box::new(match sampled {
        true => entry,
        false => entry.only_failure(),
    }))
}

/// Finds the rule for a request, which [`pass_on`] follows.
async fn answer(
    exchange: &mut Exchange<'_>,
    request: Request<Incoming>,
) -> Result<Response<Source>, Answer> {
    let Exchange {
        worker,
        client,
        flight,
        ..
    } = exchange;
    let (parts, body) = request.into_parts();
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
            flight.at(worker.metrics.listener(listener), listener);
            return Err(Answer::NotFound);
        }
        Outcome::Matched(matched) => matched,
    };
    flight.at(worker.metrics.listener(matched.listener), matched.listener);
    if matched.rule.kind == RouteKind::Grpc && parts.version != Version::HTTP_2 {
        return Err(Answer::NeedsHttp2);
    }
    let body = request::bounded(client, &parts, body)?;
    pass_on(exchange, &matched, &host, parts, body).await
}

/// Applies filters, and sends the request to a backend.
async fn pass_on(
    exchange: &mut Exchange<'_>,
    matched: &Matched<'_>,
    host: &str,
    mut parts: Parts,
    body: Incoming,
) -> Result<Response<Source>, Answer> {
    let (worker, client) = (exchange.worker, exchange.client);
    let rule: &Rule = matched.rule;
    let seat = session::seat(rule, &parts.headers);
    // Whether or not filters let the request on to it: preflights, which carry no credentials, are
    // answered before anybody is asked about them.
    let chosen = choose(worker, rule, seat.as_ref());
    let of_backend = chosen
        .as_ref()
        .map_or(&[][..], |(backend, _)| &*backend.filters);
    sharing::judge([&rule.filters, of_backend], &parts, &mut exchange.sharing)?;
    let upgrade = take_upgrade(&mut parts);
    let shared = parts.version != Version::HTTP_2;
    let mut body = Unsent::new(body, shared, parts.headers.contains_key(EXPECT));
    let trailers = prepare(&mut parts, client, host, exchange.id.clone());
    let came = came(exchange, matched, host, &parts.uri);
    let filters = (&*rule.filters, &*rule.auths);
    let changes = &mut exchange.changes;
    filters::apply(&came, filters, &mut parts, &mut body, changes).await?;
    let (backend, endpoints) = chosen?;
    let filters = (&*backend.filters, &*backend.auths);
    let changes = &mut exchange.changes;
    filters::apply(&came, filters, &mut parts, &mut body, changes).await?;
    let room = Room {
        left: client.limits.body_bytes,
        drain: shared,
    };
    let asked = upgrade.as_ref().map(|(protocol, _)| protocol);
    let mirrors = rule.mirrors.iter().chain(&backend.mirrors);
    let body = match asked {
        // What follows is not a body, and not for mirrors.
        Some(_) => Inbound::Client(body.take(), Vec::new(), room),
        None => mirror::start(worker, mirrors, &parts, trailers, body.take(), room),
    };
    outgoing::fit(&mut parts, backend, body.is_end_stream(), trailers, asked)?;
    let request = Outgoing {
        parts,
        body,
        // A call may be silent for as long as it likes, until its deadline.
        pause: (rule.kind == RouteKind::Http).then_some(client.limits.body_timeout),
        timeouts: timeouts(rule, backend, came.asking),
        retry: rule.retry.as_ref().filter(|_| asked.is_none()),
        seat: seat.as_ref().map(|seat| seat.endpoint),
    };
    let reply = upstream::send(worker, backend, endpoints, request).await;
    let reply = reply.map_err(|failure| failed(worker, failure))?;
    exchange.flight.note(|entry| entry.sent_to(reply.endpoint));
    let endpoint = reply.endpoint;
    let status = reply.response.status();
    worker.streaks.answered(endpoint, status);
    let mut response = respond(client, reply, rule, backend, upgrade)?;
    session::tell(
        rule,
        seat,
        backend,
        endpoint,
        client.scheme,
        response.headers_mut(),
    );
    Ok(response)
}

/// A request as filters and authorization servers see it.
fn came<'a>(
    exchange: &Exchange<'a>,
    matched: &'a Matched<'a>,
    host: &'a str,
    uri: &Uri,
) -> Came<'a> {
    let asking = Asking {
        worker: exchange.worker,
        client: exchange.client,
        limit: matched.rule.timeouts.request,
        started: exchange.flight.started(),
    };
    Came {
        asking,
        matched,
        host,
        uri: uri.clone(),
    }
}

/// Of what is left after others were asked.
fn timeouts(rule: &Rule, backend: &Backend, asking: Asking<'_>) -> Timeouts {
    match rule.auths.is_empty() && backend.auths.is_empty() {
        true => rule.timeouts,
        false => Timeouts {
            request: asking.left(),
            ..rule.timeouts
        },
    }
}

/// The backend, and those of its endpoints that may be used.
fn choose<'r>(
    worker: &Worker,
    rule: &'r Rule,
    seat: Option<&Seat<'r>>,
) -> Result<(&'r Backend, &'r [SocketAddr]), Answer> {
    if let Some(seat) = seat {
        return Ok((seat.backend, seat.endpoints));
    }
    match rule.choose(worker.random()) {
        Choice::Invalid => Err(Answer::Invalid),
        Choice::NoEndpoint(_) => Err(Answer::NoEndpoint),
        Choice::Backend(backend, endpoints) => Ok((backend, endpoints)),
    }
}

fn failed(worker: &Worker, failure: Failure) -> Answer {
    worker.failed(&failure);
    match failure.kind {
        Kind::TooLarge => Answer::BodyTooLarge,
        _ => Answer::Upstream(failure),
    }
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

/// Takes the client's connection out of the head, and adds our headers: origin form, the client's
/// host in `Host`. Whether the client reads trailers.
fn prepare(parts: &mut Parts, client: &Client, host: &str, id: Option<HeaderValue>) -> bool {
    let trailers = forward::prepare(&mut parts.headers);
    request_id::set(&mut parts.headers, client.request_id.policy, id);
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
    trailers
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
        deadline,
        ..
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
    Ok(response.map(|body| Source::Upstream(Upstream::new(body, lease, sent, deadline))))
}
