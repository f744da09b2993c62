//! TCP client: sends a known stream, checks every byte that comes back.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{Instant, sleep_until, timeout},
};

use super::{
    hello::Opening,
    pattern::{Checksum, fill},
    stop::progress,
};
use crate::report::{Greeting, TcpReport};

const CHUNK: u64 = 32 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);
const PROGRESS_EVERY: u64 = 1 << 20;

/// Opens TCP connections to an echo server, one after the other.
#[derive(clap::Args, Clone)]
pub(super) struct Args {
    #[arg(long)]
    to: SocketAddr,
    /// Bytes to send over each connection.
    #[arg(long, default_value_t = 64)]
    bytes: u64,
    /// Bytes a second; as fast as possible without it.
    #[arg(long)]
    rate: Option<u64>,
    /// Number of connections.
    #[arg(long, default_value_t = 1)]
    count: u64,
    #[command(flatten)]
    opening: Opening,
}

pub(super) async fn run(args: Args) -> Result<TcpReport> {
    let start = Instant::now();
    let (mut sent, mut back) = (Checksum::new(), Checksum::new());
    let mut report = TcpReport {
        client_address_kept: true,
        ..TcpReport::default()
    };
    for seed in 0..args.count {
        report.connections += 1;
        if let Err(error) = exchange(&args, seed, &mut report, [&mut sent, &mut back]).await {
            report.failed += 1;
            report.errors.push(format!("{error:#}"));
        }
    }
    report.checksum_sent = sent.0;
    report.checksum_back = back.0;
    report.milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(report)
}

async fn exchange(
    args: &Args,
    seed: u64,
    report: &mut TcpReport,
    [sent, back]: [&mut Checksum; 2],
) -> Result<()> {
    let stream = timeout(PATIENCE, TcpStream::connect(args.to)).await;
    let stream = stream.context("no answer")?.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let (read, mut write) = stream.into_split();
    let hello = args.opening.wire(seed)?;
    write.write_all(&hello).await.context("cannot send")?;
    let mut read = BufReader::new(read);
    let mut line = String::new();
    timeout(PATIENCE, read.read_line(&mut line))
        .await
        .context("no greeting")??;
    let greeting: Greeting = serde_json::from_str(&line).context("no greeting")?;
    ensure!(greeting.has_read(&hello), "another hello arrived");
    *report.servers.entry(greeting.server).or_default() += 1;
    report.client_address_kept &= greeting.client == local;
    let TcpReport {
        bytes_sent,
        bytes_back,
        ..
    } = report;
    let sending = send(args, seed, write, bytes_sent, sent);
    let receiving = receive(args.bytes, seed, read, bytes_back, back);
    tokio::try_join!(sending, receiving).map(drop)
}

async fn send(
    args: &Args,
    seed: u64,
    mut to: OwnedWriteHalf,
    total: &mut u64,
    checksum: &mut Checksum,
) -> Result<()> {
    let start = Instant::now();
    let mut buffer = vec![0; usize::try_from(CHUNK)?];
    let mut at = 0;
    while at < args.bytes {
        let chunk = &mut buffer[..usize::try_from(CHUNK.min(args.bytes - at))?];
        fill(seed, at, chunk);
        to.write_all(chunk).await.context("cannot send")?;
        checksum.add(chunk);
        at += chunk.len() as u64;
        *total += chunk.len() as u64;
        if let Some(rate) = args.rate {
            sleep_until(start + Duration::from_millis(at * 1000 / rate.max(1))).await;
        }
    }
    to.shutdown().await.context("cannot end the stream")
}

async fn receive(
    bytes: u64,
    seed: u64,
    mut from: BufReader<OwnedReadHalf>,
    total: &mut u64,
    checksum: &mut Checksum,
) -> Result<()> {
    let (mut buffer, mut expected) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut at = 0;
    loop {
        let length = timeout(PATIENCE, from.read(&mut buffer)).await;
        let length = length.with_context(|| format!("silence after {at} bytes"))?;
        let length = length.with_context(|| format!("cut after {at} bytes"))?;
        if length == 0 {
            ensure!(at == bytes, "ended after {at} of {bytes} bytes");
            return Ok(());
        }
        let (got, wanted) = (&buffer[..length], &mut expected[..length]);
        fill(seed, at, wanted);
        checksum.add(got);
        ensure!(got == wanted, "other bytes came back after {at}");
        let before = at / PROGRESS_EVERY;
        at += length as u64;
        *total += length as u64;
        if at / PROGRESS_EVERY > before {
            progress(at);
        }
    }
}
