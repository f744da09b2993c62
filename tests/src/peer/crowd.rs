//! Many TCP connections to an echo server at once: each checks a stream of its own.

use std::{mem::take, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    hello::Opening,
    pattern::{Checksum, fill},
    stop::{Budget, progress},
};
use crate::report::{Greeting, TcpReport};

/// Connections that do something at the same time: a veth with an XDP program behind it queues 256
/// packets and drops more.
const AT_ONCE: usize = 100;
/// Long, as all connections of a crowd share a core with their server.
const PATIENCE: Duration = Duration::from_secs(30);
/// Errors that are told; the others are alike.
const ERRORS: usize = 5;

/// Opens connections to an echo server that all stay open, and sends over each, round by round.
///
/// Progress: rounds that all connections have done.
#[derive(clap::Args, Clone)]
pub(super) struct Args {
    #[arg(long)]
    to: SocketAddr,
    /// Number of connections.
    #[arg(long)]
    connections: u64,
    /// Bytes to send over each connection in each round.
    #[arg(long, default_value_t = 64)]
    bytes: usize,
    #[arg(long)]
    rounds: Option<u64>,
    /// Pause after a round.
    #[arg(long, default_value_t = 20)]
    interval_ms: u64,
    #[command(flatten)]
    opening: Opening,
}

pub(super) async fn run(args: Args) -> Result<TcpReport> {
    let start = Instant::now();
    let mut crowd = Crowd {
        report: TcpReport {
            connections: args.connections,
            client_address_kept: true,
            ..TcpReport::default()
        },
        open: Vec::new(),
    };
    crowd.open(&args).await?;
    let budget = Budget::new(args.rounds);
    let mut rounds = 0;
    while budget.take() {
        crowd.round(args.bytes).await?;
        rounds += 1;
        progress(rounds);
        sleep(Duration::from_millis(args.interval_ms)).await;
    }
    let mut report = crowd.close().await?;
    report.milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(report)
}

/// Those that have not failed.
struct Crowd {
    report: TcpReport,
    open: Vec<Connection>,
}

impl Crowd {
    async fn open(&mut self, args: &Args) -> Result<()> {
        let opening = (0..args.connections).map(|seed| {
            let hello = args.opening.wire(seed);
            Connection::open(args.to, seed, hello)
        });
        self.open = self.each(opening).await?;
        Ok(())
    }

    async fn round(&mut self, bytes: usize) -> Result<()> {
        let open = take(&mut self.open).into_iter();
        self.open = self.each(open.map(|c| c.exchange(bytes))).await?;
        Ok(())
    }

    /// Ends every stream and waits for the other end to do so.
    async fn close(mut self) -> Result<TcpReport> {
        let open = take(&mut self.open).into_iter();
        for connection in self.each(open.map(Connection::close)).await? {
            connection.note(&mut self.report);
        }
        Ok(self.report)
    }

    /// Does all work, some of it at a time; those for which it went well.
    async fn each<W>(&mut self, work: impl Iterator<Item = W>) -> Result<Vec<Connection>>
    where
        W: Future<Output = Result<Connection>> + Send + 'static,
    {
        let (mut going_on, mut well) = (JoinSet::new(), Vec::new());
        let mut work = work.fuse();
        loop {
            while going_on.len() < AT_ONCE
                && let Some(next) = work.next()
            {
                going_on.spawn(next);
            }
            match going_on.join_next().await {
                None => return Ok(well),
                Some(done) => match done? {
                    Ok(connection) => well.push(connection),
                    Err(error) => self.fail(&error),
                },
            }
        }
    }

    fn fail(&mut self, error: &anyhow::Error) {
        self.report.failed += 1;
        if self.report.errors.len() < ERRORS {
            self.report.errors.push(format!("{error:#}"));
        }
    }
}

struct Connection {
    stream: BufReader<TcpStream>,
    /// Number of its stream.
    seed: u64,
    /// Bytes of its stream so far.
    at: u64,
    sent: Checksum,
    back: Checksum,
    server: String,
    address_kept: bool,
}

impl Connection {
    async fn open(to: SocketAddr, seed: u64, hello: Result<Vec<u8>>) -> Result<Self> {
        let hello = hello?;
        let stream = timeout(PATIENCE, TcpStream::connect(to)).await;
        let stream = stream.context("no answer")?.context("cannot connect")?;
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        // As long as the greeting: there are many of these.
        let mut stream = BufReader::with_capacity(256, stream);
        stream.write_all(&hello).await.context("cannot send")?;
        let mut line = String::new();
        let greeting = timeout(PATIENCE, stream.read_line(&mut line)).await;
        greeting.context("no greeting")??;
        let greeting: Greeting = serde_json::from_str(&line).context("no greeting")?;
        ensure!(greeting.has_read(&hello), "another hello arrived");
        Ok(Self {
            stream,
            seed,
            at: 0,
            sent: Checksum::new(),
            back: Checksum::new(),
            server: greeting.server,
            address_kept: greeting.client == local,
        })
    }

    async fn exchange(mut self, bytes: usize) -> Result<Self> {
        let mut piece = vec![0; bytes];
        fill(self.seed, self.at, &mut piece);
        let at = self.at;
        let sending = timeout(PATIENCE, self.stream.get_mut().write_all(&piece)).await;
        let sent = sending.with_context(|| format!("stuck after {at} bytes"))?;
        sent.with_context(|| format!("cannot send after {at} bytes"))?;
        self.sent.add(&piece);
        let mut echo = vec![0; bytes];
        let receiving = timeout(PATIENCE, self.stream.read_exact(&mut echo)).await;
        let received = receiving.with_context(|| format!("silence after {at} bytes"))?;
        received.with_context(|| format!("cut after {at} bytes"))?;
        self.back.add(&echo);
        ensure!(echo == piece, "other bytes came back after {at}");
        self.at += bytes as u64;
        Ok(self)
    }

    async fn close(mut self) -> Result<Self> {
        self.stream.get_mut().shutdown().await?;
        let mut rest = Vec::new();
        let end = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        end.context("no end")?.context("cut at the end")?;
        ensure!(rest.is_empty(), "{} bytes too many", rest.len());
        Ok(self)
    }

    fn note(self, report: &mut TcpReport) {
        *report.servers.entry(self.server).or_default() += 1;
        report.client_address_kept &= self.address_kept;
        report.bytes_sent += self.at;
        report.bytes_back += self.at;
        // They end in any order.
        report.checksum_sent = report.checksum_sent.wrapping_add(self.sent.0);
        report.checksum_back = report.checksum_back.wrapping_add(self.back.0);
    }
}
