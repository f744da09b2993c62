//! HTTP client: one request or many, on kept or on new connections.

use std::{cell::RefCell, error::Error as _, net::SocketAddr, rc::Rc, time::Duration};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, Request, header::HOST};
use http_body_util::{BodyExt, Full};
use tokio::{
    net::TcpStream,
    task::LocalSet,
    time::{sleep, timeout},
};

use super::{
    http_connection::Connection,
    http_server::text_of,
    stop::{Budget, progress},
};
use crate::report::{Answer, HttpReport, Seen};

const PATIENCE: Duration = Duration::from_secs(10);
const ERRORS_KEPT: usize = 5;
const PROGRESS_EVERY: u64 = 100;

/// Sends HTTP requests; does not follow redirects.
#[derive(clap::Args, Clone)]
pub(super) struct Args {
    /// Whom to connect to.
    #[arg(long)]
    to: SocketAddr,
    #[arg(long)]
    host: String,
    #[arg(long, default_value = "/")]
    path: String,
    #[arg(long, default_value = "GET")]
    method: Method,
    /// `Name: value`
    #[arg(long)]
    header: Vec<String>,
    /// Bytes of body to send.
    #[arg(long, default_value_t = 0)]
    body: usize,
    /// Requests to send over all connections.
    #[arg(long)]
    count: Option<u64>,
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// A new connection for each request.
    #[arg(long)]
    fresh: bool,
    /// Speak HTTP/2 with prior knowledge.
    #[arg(long)]
    http2: bool,
    /// Milliseconds to wait after each request.
    #[arg(long, default_value_t = 0)]
    pause: u64,
}

type Shared = Rc<RefCell<HttpReport>>;

pub(super) async fn run(args: Args) -> Result<HttpReport> {
    let report = Shared::default();
    let budget = Budget::new(args.count);
    let workers = LocalSet::new();
    for _ in 0..args.connections {
        workers.spawn_local(work(args.clone(), budget.clone(), report.clone()));
    }
    workers.await;
    Ok(report.take())
}

async fn work(args: Args, budget: Budget, report: Shared) {
    let mut kept: Option<Connection> = None;
    while budget.take() {
        let mut connection = kept.take();
        let result = timeout(PATIENCE, exchange(&args, &mut connection, &report)).await;
        let result = result.unwrap_or_else(|_| bail!("no answer after {PATIENCE:?}"));
        note(&mut report.borrow_mut(), result);
        if !args.fresh {
            kept = connection;
        }
        if args.pause > 0 {
            sleep(Duration::from_millis(args.pause)).await;
        }
    }
}

/// One request; leaves a connection that can be used again in `kept`.
async fn exchange(args: &Args, kept: &mut Option<Connection>, report: &Shared) -> Result<Answer> {
    let mut connection = match kept.take() {
        Some(kept) if !kept.is_closed() => kept,
        _ => {
            report.borrow_mut().connections += 1;
            connect(args.to, args.http2).await?
        }
    };
    connection
        .ready()
        .await
        .context("the connection was closed")?;
    let mut request = Request::builder()
        .method(&args.method)
        .uri(&args.path)
        .header(HOST, &args.host);
    if args.http2 {
        request = Request::builder()
            .method(&args.method)
            .uri(format!("http://{}{}", args.host, args.path));
    }
    for header in &args.header {
        let (name, value) = header
            .split_once(':')
            .context("--header needs `Name: value`")?;
        request = request.header(name.trim(), value.trim());
    }
    let request = request.body(Full::new(Bytes::from(vec![b'x'; args.body])))?;
    let response = match connection.send(request.clone()).await {
        Err(error) if never_processed(&error) => {
            report.borrow_mut().connections += 1;
            connection = connect(args.to, args.http2).await?;
            connection.send(request).await
        }
        response => response,
    };
    let (head, body) = response?.into_parts();
    let body = body
        .collect()
        .await
        .context("the answer was cut")?
        .to_bytes();
    *kept = Some(connection);
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: text_of(&head.headers),
        seen: serde_json::from_str::<Seen>(&body).ok(),
        body,
    })
}

/// The server says that it ends the connection, and this request came too late for it: it belongs on
/// another connection (RFC 9113, 6.8 and 8.7).
fn never_processed(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(|cause: &h2::Error| {
        cause.is_go_away() && cause.is_remote() && cause.reason() == Some(h2::Reason::NO_ERROR)
    })
}

async fn connect(to: SocketAddr, http2: bool) -> Result<Connection> {
    let stream = TcpStream::connect(to)
        .await
        .with_context(|| format!("cannot connect to {to}"))?;
    stream.set_nodelay(true)?;
    Connection::over(stream, http2).await
}

fn note(report: &mut HttpReport, result: Result<Answer>) {
    report.sent += 1;
    match result {
        Ok(answer) => {
            *report.statuses.entry(answer.status).or_default() += 1;
            if let Some(seen) = &answer.seen {
                *report.versions.entry(seen.version.clone()).or_default() += 1;
            }
            report.last = Some(answer);
        }
        Err(error) => {
            report.failed += 1;
            if report.errors.len() < ERRORS_KEPT {
                report.errors.push(format!("{error:#}"));
            }
        }
    }
    if report.sent.is_multiple_of(PROGRESS_EVERY) {
        progress(report.sent);
    }
}
