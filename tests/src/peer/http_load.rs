//! HTTP load: requests as fast as they are answered, or at a fixed rate.

use std::{cell::Cell, fs, net::SocketAddr, path::PathBuf, rc::Rc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, header::HOST};
use http_body_util::{BodyExt as _, Full};
use tokio::{
    net::TcpStream,
    task::{LocalSet, spawn_local},
    time::{Instant, timeout},
};

use super::{
    http_connection::Connection,
    tally::{Tally, microseconds},
};
use crate::report::HttpLoadReport;

mod schedule;
mod tls;

use schedule::Schedule;
use tls::Tls;

const PATIENCE: Duration = Duration::from_secs(10);
/// So many failures are no accident.
const FAILURES: u64 = 100;

/// Sends GET requests over many connections; does not follow redirects.
#[derive(clap::Args, Clone)]
pub(super) struct Args {
    #[arg(long)]
    to: SocketAddr,
    /// A host and a path on each line, which are asked for in turn.
    #[arg(long)]
    targets: PathBuf,
    /// Connections, all open before the first request.
    #[arg(long, default_value_t = 1)]
    connections: u32,
    /// HTTP/2; without TLS with prior knowledge.
    #[arg(long)]
    http2: bool,
    /// Requests at once on each connection.
    #[arg(
        long,
        default_value_t = 1,
        requires = "http2",
        conflicts_with = "fresh"
    )]
    streams: u32,
    /// Speak TLS 1.3, never resumed; the certificates of the authorities to trust.
    #[arg(long, value_name = "FILE")]
    tls: Option<PathBuf>,
    /// A new connection for each request.
    #[arg(long)]
    fresh: bool,
    /// Requests a second, whatever becomes of them; otherwise each follows an answer.
    #[arg(long)]
    rate: Option<u32>,
    #[arg(long, default_value_t = 1000)]
    milliseconds: u64,
}

struct Client {
    args: Args,
    requests: Vec<Request<Full<Bytes>>>,
    tls: Option<Tls>,
    /// The request that is next.
    turn: Cell<usize>,
    /// Of bodies.
    bytes: Cell<u64>,
}

pub(super) async fn run(args: Args) -> Result<HttpLoadReport> {
    LocalSet::new().run_until(load(args)).await
}

async fn load(args: Args) -> Result<HttpLoadReport> {
    let time = Duration::from_millis(args.milliseconds);
    let client = Rc::new(Client::new(args)?);
    let connections = client.open().await?;
    let start = Instant::now();
    let schedule = Rc::new(Schedule::new(client.args.rate, start, time)?);
    let work = |connection| work(client.clone(), schedule.clone(), connection);
    let workers: Vec<_> = connections
        .into_iter()
        .map(|c| spawn_local(work(c)))
        .collect();
    let mut all = Tally::default();
    for worker in workers {
        all.add(worker.await?);
    }
    let (median, p99) = all.median_and_p99();
    Ok(HttpLoadReport {
        requests: all.served(),
        failed: all.failed,
        errors: all.errors,
        bytes: client.bytes.get(),
        microseconds: microseconds(start.elapsed()),
        median,
        p99,
    })
}

/// One request after the other.
///
/// The time of each begins when it was due: one that had to wait, for all connections were busy,
/// has waited for the server.
async fn work(client: Rc<Client>, schedule: Rc<Schedule>, mut kept: Option<Connection>) -> Tally {
    let mut done = Tally::default();
    while done.failed < FAILURES
        && let Some(due) = schedule.next().await
    {
        let answer = timeout(PATIENCE, client.exchange(&mut kept)).await;
        done.note(answer.map(|answer| answer.map(|()| due.elapsed())));
    }
    done
}

impl Client {
    fn new(args: Args) -> Result<Self> {
        let text = fs::read_to_string(&args.targets);
        let text = text.with_context(|| format!("cannot read {}", args.targets.display()))?;
        let targets = text.lines().map(|line| {
            let target = line.split_once(' ');
            target.with_context(|| format!("not a host and a path: {line}"))
        });
        let targets: Vec<_> = targets.collect::<Result<_>>()?;
        let (name, _) = targets.first().context("no target")?;
        let tls = args.tls.as_deref();
        let tls = tls.map(|authority| Tls::new(authority, name, args.http2));
        let requests = targets
            .iter()
            .map(|(host, path)| request(&args, host, path));
        Ok(Self {
            requests: requests.collect::<Result<_>>()?,
            tls: tls.transpose()?,
            args,
            turn: Cell::new(0),
            bytes: Cell::new(0),
        })
    }

    /// What each worker begins with. Neighbours have different connections, for they get requests one
    /// after the other.
    async fn open(&self) -> Result<Vec<Option<Connection>>> {
        let mut all = Vec::new();
        for _ in 0..self.args.connections {
            all.push(match self.args.fresh {
                true => None,
                false => Some(self.connect().await?),
            });
        }
        for _ in 1..self.args.streams {
            let shared = all[..self.args.connections as usize].iter();
            let shared: Vec<_> = shared.map(|one| one.as_ref()?.share()).collect();
            all.extend(shared);
        }
        Ok(all)
    }

    async fn connect(&self) -> Result<Connection> {
        let to = self.args.to;
        let stream = TcpStream::connect(to).await;
        let stream = stream.with_context(|| format!("cannot connect to {to}"))?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Connection::over(stream, self.args.http2).await,
            Some(tls) => Connection::over(tls.over(stream).await?, self.args.http2).await,
        }
    }

    /// One request; leaves a connection that can be used again in `kept`.
    async fn exchange(&self, kept: &mut Option<Connection>) -> Result<()> {
        let mut connection = match kept.take() {
            Some(kept) if !kept.is_closed() => kept,
            _ => self.connect().await?,
        };
        let ready = connection.ready().await;
        ready.context("the connection was closed")?;
        let turn = self.turn.get();
        self.turn.set((turn + 1) % self.requests.len());
        let response = connection.send(self.requests[turn].clone()).await?;
        let status = response.status();
        ensure!(status == StatusCode::OK, "the answer is {status}");
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.context("the answer was cut")?;
            let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
            self.bytes.set(self.bytes.get() + bytes);
        }
        if !self.args.fresh {
            *kept = Some(connection);
        }
        Ok(())
    }
}

fn request(args: &Args, host: &str, path: &str) -> Result<Request<Full<Bytes>>> {
    let scheme = if args.tls.is_some() { "https" } else { "http" };
    let request = match args.http2 {
        true => Request::get(format!("{scheme}://{host}{path}")),
        false => Request::get(path).header(HOST, host),
    };
    let request = request.body(Full::default());
    request.with_context(|| format!("not a host and a path: {host} {path}"))
}

#[cfg(test)]
mod tests;
