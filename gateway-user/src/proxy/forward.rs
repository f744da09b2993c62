//! Connections of TLSRoutes: to a backend, with all that they carry.

use std::{io, net::SocketAddr, rc::Rc, sync::Arc};

use gateway_core::{
    http::{Destination, Forward, ListenerId, Reached},
    plan::Inside,
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    client::Slot,
    connection::{self, TlsStream},
    metrics::TlsOutcome,
    pool::stream::{self, Stream},
    socket, splice,
    upstream::CONNECT_ATTEMPTS,
    worker::Worker,
};

/// A connection that a TLSRoute takes.
pub(super) struct Forwarded {
    listener: Arc<ListenerId>,
    route: Arc<Forward>,
    /// The backend that was chosen.
    to: Reached,
    client: Side,
}

/// The client's side.
enum Side {
    /// The backend gets all that comes, from these bytes on.
    Passthrough(TcpStream, Vec<u8>),
    /// The backend gets what is inside.
    Terminated(Box<TlsStream>),
}

/// Chooses a backend for a connection that begins with `begun`, and ends its TLS where the route
/// wants that. `None` without a backend: no alert and no other byte tells a client what is behind.
pub(super) async fn begin(
    worker: &Worker,
    (listener, route): (&Arc<ListenerId>, &Arc<Forward>),
    terminate: Option<&Arc<ServerConfig>>,
    stream: TcpStream,
    begun: Vec<u8>,
) -> io::Result<Option<Forwarded>> {
    let count = |outcome| {
        let taken = Some((&**listener, Some(&route.route)));
        worker.metrics.tls(taken, outcome);
    };
    let to = match route.choose(worker.random()) {
        Destination::Backend(to) => to.clone(),
        Destination::Invalid => {
            count(TlsOutcome::InvalidBackend);
            return Ok(None);
        }
        Destination::NoEndpoint(_) => {
            count(TlsOutcome::NoEndpoint);
            return Ok(None);
        }
    };
    let client = match terminate {
        None => Side::Passthrough(stream, begun),
        Some(config) => {
            let accepted = connection::accept_tls(config.clone(), stream, &begun).await;
            let accepted = accepted.inspect_err(|_| count(TlsOutcome::Handshake));
            Side::Terminated(Box::new(accepted?))
        }
    };
    Ok(Some(Forwarded {
        listener: listener.clone(),
        route: route.clone(),
        to,
        client,
    }))
}

/// Forwards until both sides have ended; it goes on when its frontend is taken away, as those of
/// TCPRoutes do. The connection is closed where no endpoint takes it.
pub(super) async fn serve(worker: &Rc<Worker>, taken: Forwarded, _slot: Slot) {
    let backend = connect(worker, &taken.to).await;
    let outcome = match &backend {
        Some(_) => TlsOutcome::Forwarded,
        None => TlsOutcome::Unreachable,
    };
    let route = &taken.route.route;
    let labels = Some((&*taken.listener, Some(route)));
    worker.metrics.tls(labels, outcome);
    let Some(mut backend) = backend else {
        return;
    };
    let done = match taken.client {
        Side::Passthrough(mut client, begun) => {
            let done = run(worker, &taken.listener, &mut client, &mut backend, begun).await;
            abort_if(&done, [&client, backend.tcp()]);
            done
        }
        Side::Terminated(mut client) => {
            let done = run(
                worker,
                &taken.listener,
                &mut client,
                &mut backend,
                Vec::new(),
            )
            .await;
            abort_if(&done, [client.get_ref().0, backend.tcp()]);
            done
        }
    };
    if let Err(error) = done {
        tracing::debug!(%route, %error, "forwarded connection ended");
    }
}

async fn run<C: AsyncRead + AsyncWrite + Unpin>(
    worker: &Worker,
    listener: &Arc<ListenerId>,
    client: &mut C,
    backend: &mut Stream,
    begun: Vec<u8>,
) -> io::Result<()> {
    let meter = worker.metrics.meter(listener);
    backend.write_all(&begun).await?;
    meter.received.inc_by(begun.len() as u64);
    // The connection may last for days.
    drop(begun);
    let idle = worker.limits.forward_idle;
    splice::splice(client, backend, &worker.scratch, idle, &meter).await
}

/// What broke off on one side must not look like a proper end to the other.
fn abort_if(done: &io::Result<()>, sides: [&TcpStream; 2]) {
    if done.is_err() {
        // Fails only for a socket that is of no use any more.
        for side in sides {
            let _ = socket::abort_on_close(side);
        }
    }
}

/// A connection to one of the endpoints, or to another one if that takes none or cannot be trusted.
async fn connect(worker: &Worker, to: &Reached) -> Option<Stream> {
    let endpoints = &to.endpoints;
    let tls = to.tls.as_deref().map(|tls| (tls, Inside::Bytes));
    let mut failed: Vec<SocketAddr> = Vec::new();
    while failed.len() < CONNECT_ATTEMPTS.min(endpoints.len()) {
        let untried = || endpoints.iter().filter(|e| !failed.contains(e));
        let chosen = worker.random().checked_rem(untried().count() as u64)?;
        let endpoint = *untried().nth(chosen as usize)?;
        match stream::connect(endpoint, tls, &worker.limits).await {
            Ok(stream) => {
                worker.streaks.well(endpoint);
                return Some(stream);
            }
            Err(error) => {
                tracing::debug!(%endpoint, %error, "cannot use an endpoint");
                worker.streaks.no_connection(endpoint);
                failed.push(endpoint);
            }
        }
    }
    None
}
