//! One client connection: TLS, the HTTP version, and its end.

use std::{convert::Infallible, pin::pin, rc::Rc, sync::Arc};

use gateway_core::{
    http::{Names, Opening, Taken},
    plan::Parameters,
};
use hyper::{
    Request,
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{ServerConfig, ServerConnection};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Limits,
    client::{Client, Group, Slot, Terms},
    forward,
    hello::{self, NoHello},
    local::OnThisThread,
    metrics::TlsOutcome,
    service,
    sniff::{self, Protocol},
    socket,
    watched::Watched,
    worker::Worker,
};

/// Serves a connection until it closes. Errors end it; the client sees why, where HTTP can tell.
pub(super) async fn serve(worker: &Rc<Worker>, stream: TcpStream, slot: Slot) {
    if let Err(error) = try_serve(worker, stream, slot).await {
        tracing::debug!(%error, "client connection ended");
    }
}

async fn try_serve(worker: &Rc<Worker>, stream: TcpStream, slot: Slot) -> anyhow::Result<()> {
    let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
    let table = worker.table();
    let Some(opening) = table.opening(local).cloned() else {
        return Ok(());
    };
    let terms = terms(worker, table.parameters(local));
    if worker.groups.count(local) >= worker.share(terms.limits.of_frontend) {
        worker.metrics.refused();
        return Ok(());
    }
    socket::prepare(&stream, worker.limits.stall_timeout)?;
    drop(table);
    let group = worker.groups.join(local);
    let greeting = time::timeout(
        terms.limits.greeting_timeout,
        greet(worker, opening, stream),
    );
    let greeted = tokio::select! {
        biased;
        greeted = greeting => greeted??,
        // It asked for nothing yet, so nothing is lost.
        () = group.closed() => return Ok(()),
    };
    match greeted {
        None => Ok(()),
        Some(Greeted::Clear(stream, protocol)) => {
            let client = Rc::new(Client::new(local, peer, None, terms, slot));
            run(worker, client, &group, stream, protocol).await
        }
        Some(Greeted::Tls(stream, protocol, sni)) => {
            let client = Rc::new(Client::new(local, peer, Some(sni), terms, slot));
            run(worker, client, &group, *stream, protocol).await
        }
        Some(Greeted::Forward(taken)) => {
            forward::serve(worker, taken, slot).await;
            Ok(())
        }
    }
}

fn terms(worker: &Worker, parameters: Option<&Parameters>) -> Terms {
    Terms {
        limits: worker.limits.with(parameters),
        access_log: parameters.and_then(|p| p.access_log),
        request_id: parameters.map(|p| p.request_id).unwrap_or_default(),
    }
}

/// A connection of which it is known how to serve it.
enum Greeted {
    Clear(TcpStream, Protocol),
    Tls(Box<TlsStream>, Protocol, String),
    Forward(forward::Forwarded),
}

/// `None` if the connection shall be closed without a word.
async fn greet(
    worker: &Worker,
    opening: Opening,
    stream: TcpStream,
) -> std::io::Result<Option<Greeted>> {
    match opening {
        Opening::Clear => {
            let protocol = sniff::protocol(&stream).await?;
            Ok(protocol.map(|protocol| Greeted::Clear(stream, protocol)))
        }
        Opening::Https(config) => {
            let stream = accept_tls(config, stream, &[]).await?;
            Ok(Some(Greeted::https(stream)))
        }
        Opening::ByName(names) => greet_by_name(worker, &names, stream).await,
    }
}

async fn greet_by_name(
    worker: &Worker,
    names: &Names,
    mut stream: TcpStream,
) -> std::io::Result<Option<Greeted>> {
    let hello = match hello::read(&mut stream).await {
        Ok(hello) => hello,
        Err(error) => {
            worker.metrics.tls(None, TlsOutcome::NoHello);
            tracing::debug!(%error, "closed a connection");
            if matches!(error, NoHello::Refused(_)) {
                turn_away(names, &stream);
            }
            return Ok(None);
        }
    };
    let name = hello.name.as_ref().map_or("", |name| name.as_str());
    match names.take(name) {
        Taken::Https(config) => {
            let stream = accept_tls(config.clone(), stream, &hello.bytes).await?;
            Ok(Some(Greeted::https(stream)))
        }
        Taken::Forward {
            listener,
            route,
            terminate,
        } => {
            let by = (listener, route);
            let begun = forward::begin(worker, by, terminate, stream, hello.bytes).await?;
            Ok(begun.map(Greeted::Forward))
        }
        Taken::NoRoute(listener) => {
            let taken = Some((&**listener, None));
            worker.metrics.tls(taken, TlsOutcome::NoRoute);
            turn_away(names, &stream);
            Ok(None)
        }
        Taken::NoListener => {
            worker.metrics.tls(None, TlsOutcome::NoListener);
            turn_away(names, &stream);
            Ok(None)
        }
    }
}

/// Has a connection that nobody takes reset when it is closed, where its Gateway wishes that.
fn turn_away(names: &Names, stream: &TcpStream) {
    if names.resets_unmatched {
        // Fails only for a socket that is of no use any more.
        let _ = socket::abort_on_close(stream);
    }
}

pub(super) type TlsStream = tokio_rustls::server::TlsStream<TcpStream>;

/// `begun`: what was read of the connection already.
pub(super) async fn accept_tls(
    config: Arc<ServerConfig>,
    stream: TcpStream,
    begun: &[u8],
) -> std::io::Result<TlsStream> {
    let acceptor = TlsAcceptor::from(config);
    let mut fed = Ok(());
    let accepting = acceptor.accept_with(stream, |tls| fed = feed(tls, begun));
    fed?;
    accepting.await
}

fn feed(tls: &mut ServerConnection, mut begun: &[u8]) -> std::io::Result<()> {
    while !begun.is_empty() {
        tls.read_tls(&mut begun)?;
        // An error is kept: the handshake meets it again, once its alert has been sent.
        if tls.process_new_packets().is_err() {
            break;
        }
    }
    Ok(())
}

impl Greeted {
    fn https(stream: TlsStream) -> Self {
        let (_, tls) = stream.get_ref();
        let protocol = match tls.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        let sni = tls.server_name().unwrap_or_default().to_ascii_lowercase();
        Self::Tls(Box::new(stream), protocol, sni)
    }
}

async fn run<S>(
    worker: &Rc<Worker>,
    client: Rc<Client>,
    group: &Group,
    stream: S,
    protocol: Protocol,
) -> anyhow::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handler = (worker.clone(), client.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (worker, client) = handler.clone();
        async move { Ok::<_, Infallible>(service::handle(&worker, &client, request).await) }
    });
    let ended = end(group, &client, protocol);
    // The macro is for the two types of connection, which share no trait.
    macro_rules! drive {
        ($connection:expr) => {{
            let mut connection = pin!($connection);
            tokio::select! {
                biased;
                done = connection.as_mut() => return Ok(done?),
                () = ended => connection.as_mut().graceful_shutdown(),
            }
            Ok(connection.await?)
        }};
    }
    match protocol {
        Protocol::Http1 => {
            let stream = Watched::new(stream, client.ambiguous.clone());
            let connection = http1(&client.limits).serve_connection(TokioIo::new(stream), service);
            drive!(connection.with_upgrades())
        }
        Protocol::Http2 => {
            drive!(http2(&client.limits).serve_connection(TokioIo::new(stream), service))
        }
    }
}

/// Returns when the connection shall finish what is in flight and close: its frontend is gone,
/// the proxy stops, or it was idle for too long. Where the worker leaves, clients of HTTP/2 are
/// told which request was the last; those of HTTP/1 hear it with their next answer, since closing
/// an idle connection may cross a request.
async fn end(group: &Group, client: &Client, protocol: Protocol) {
    let idle = async {
        let limit = client.limits.idle_timeout;
        loop {
            let since = client.idle_since().unwrap_or_else(time::Instant::now);
            time::sleep_until(since + limit).await;
            if client
                .idle_since()
                .is_some_and(|since| since.elapsed() >= limit)
            {
                return;
            }
        }
    };
    let closed = async {
        match protocol {
            Protocol::Http1 => group.closed().await,
            Protocol::Http2 => group.left().await,
        }
    };
    tokio::select! {
        () = closed => {}
        () = idle => {}
    }
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_timeout)
        .max_header_size(limits.head_bytes as usize)
        .max_buf_size((limits.head_bytes as usize * 2).max(64 * 1024));
    builder
}

fn http2(limits: &Limits) -> http2::Builder<OnThisThread> {
    let mut builder = http2::Builder::new(OnThisThread);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams)
        .max_pending_accept_reset_streams(limits.h2_pending_resets)
        .max_header_list_size(limits.head_bytes)
        .initial_stream_window_size(limits.h2_stream_window)
        .initial_connection_window_size(limits.h2_connection_window)
        .keep_alive_interval(limits.idle_timeout / 2)
        .keep_alive_timeout(limits.greeting_timeout);
    builder
}
