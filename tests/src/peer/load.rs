//! Load of short connections, each with a ClientHello: no byte is computed that need not be.

use std::{net::SocketAddr, rc::Rc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::LocalSet,
    time::{Instant, timeout},
};

use super::{hello::Opening, hello_server::ANSWER};
use crate::report::LoadReport;

/// Sent behind the answer, and echoed: a short request and its response.
const OPAQUE: [u8; 300] = [b'e'; 300];
const PATIENCE: Duration = Duration::from_secs(5);
/// Hellos that are made in advance.
const HELLOS: u32 = 512;
/// So many failures are no accident.
const FAILURES: u64 = 100;
/// Errors that are told; the others are alike.
const ERRORS: usize = 5;

/// Opens connections, so many at a time: a hello, its answer, some bytes each way, the end.
#[derive(clap::Args, Clone)]
pub(super) struct Args {
    #[arg(long)]
    pub(super) to: SocketAddr,
    /// Connections at once.
    #[arg(long, default_value_t = 1)]
    pub(super) at_once: u32,
    #[arg(long, default_value_t = 1000)]
    pub(super) milliseconds: u64,
    /// Ask for names with numbers from 0 to this below the given name.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) names: u32,
    #[command(flatten)]
    pub(super) opening: Opening,
}

pub(super) async fn run(args: Args) -> Result<LoadReport> {
    let hellos: Rc<[Vec<u8>]> = hellos(&args)?.into();
    let start = Instant::now();
    let end = start + Duration::from_millis(args.milliseconds);
    let clients = LocalSet::new();
    let clients_are = (0..args.at_once as usize).map(|client| {
        let hellos = Rc::clone(&hellos);
        clients.spawn_local(async move {
            let mut done = Done::default();
            // Clients begin at different hellos.
            let mut each = hellos.iter().cycle().skip(client * 37);
            while Instant::now() < end
                && done.failed < FAILURES
                && let Some(hello) = each.next()
            {
                done.note(timeout(PATIENCE, connection(args.to, hello)).await);
            }
            done
        })
    });
    let clients_are: Vec<_> = clients_are.collect();
    clients.await;
    let mut all = Done::default();
    for client in clients_are {
        all.add(client.await?);
    }
    Ok(all.report(start.elapsed()))
}

/// Spread evenly over the names.
fn hellos(args: &Args) -> Result<Vec<Vec<u8>>> {
    let different = args.names.min(HELLOS);
    let number = |hello: u32| u64::from(hello) * u64::from(args.names) / u64::from(different);
    (0..different)
        .map(|hello| {
            let number = u32::try_from(number(hello))?;
            args.opening.numbered(number).wire(number.into())
        })
        .collect()
}

/// Time until the first byte of the answer.
async fn connection(to: SocketAddr, hello: &[u8]) -> Result<Duration> {
    let start = Instant::now();
    let mut stream = TcpStream::connect(to).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    stream.write_all(hello).await.context("cannot send")?;
    let mut answer = [0; ANSWER];
    let first = stream.read(&mut answer).await.context("no answer")?;
    let took = start.elapsed();
    ensure!(first > 0, "closed without an answer");
    let rest = stream.read_exact(&mut answer[first..]).await;
    rest.context("cut in the answer")?;
    stream.write_all(&OPAQUE).await.context("cannot send")?;
    let mut echo = [0; OPAQUE.len()];
    stream.read_exact(&mut echo).await.context("no echo")?;
    ensure!(echo == OPAQUE, "other bytes came back");
    Ok(took)
}

/// What one client has done.
#[derive(Default)]
struct Done {
    /// Microseconds until the first byte, of each connection.
    first_bytes: Vec<u64>,
    failed: u64,
    errors: Vec<String>,
}

impl Done {
    fn note(&mut self, connection: Result<Result<Duration>, tokio::time::error::Elapsed>) {
        match connection.context("stuck").flatten() {
            Ok(first) => self.first_bytes.push(microseconds(first)),
            Err(error) => {
                self.failed += 1;
                self.tell(format!("{error:#}"));
            }
        }
    }

    fn tell(&mut self, error: String) {
        if self.errors.len() < ERRORS {
            self.errors.push(error);
        }
    }

    fn add(&mut self, other: Self) {
        self.first_bytes.extend(other.first_bytes);
        self.failed += other.failed;
        other.errors.into_iter().for_each(|error| self.tell(error));
    }

    fn report(mut self, took: Duration) -> LoadReport {
        self.first_bytes.sort_unstable();
        LoadReport {
            connections: self.first_bytes.len() as u64,
            failed: self.failed,
            errors: self.errors,
            microseconds: microseconds(took),
            first_byte_median: percentile(&self.first_bytes, 50),
            first_byte_p99: percentile(&self.first_bytes, 99),
        }
    }
}

/// The value that so many of a hundred do not exceed (nearest rank); 0 of none.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    rank.checked_sub(1).map_or(0, |at| sorted[at])
}

pub(super) fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::{super::hello_server, *};

    fn args(to: SocketAddr, names: u32) -> Args {
        Args {
            to,
            at_once: 3,
            milliseconds: 100,
            names,
            opening: Opening::of("bench.example"),
        }
    }

    #[tokio::test]
    async fn connections_are_served_and_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        tokio::spawn(hello_server::accept(listener));
        let report = run(args(to, 5)).await.unwrap();
        assert!(report.connections >= 3, "{report:?}");
        assert_eq!(report.failed, 0, "{report:?}");
        assert!(report.first_byte_median > 0, "{report:?}");
        assert!(report.first_byte_p99 >= report.first_byte_median);
    }

    #[tokio::test]
    async fn what_fails_is_told_and_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        drop(listener);
        let report = run(args(to, 1)).await.unwrap();
        assert_eq!(report.connections, 0);
        assert!(report.failed > 0 && report.failed <= 3 * FAILURES);
        let all_told = report.errors.iter().all(|e| e.contains("cannot connect"));
        assert!(all_told && report.errors.len() == ERRORS, "{report:?}");
    }

    #[test]
    fn hellos_are_spread_over_the_names() {
        let of = |names| {
            hellos(&args(([127, 0, 0, 1], 1).into(), names))
                .unwrap()
                .len()
        };
        assert_eq!([of(1), of(5), of(64_000)], [1, 5, 512]);
        let all = hellos(&args(([127, 0, 0, 1], 1).into(), 64_000)).unwrap();
        let last = all.last().unwrap();
        let name = b"name-63875.bench.example";
        assert!(last.windows(name.len()).any(|window| window == name));
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&values, 50), 100);
        assert_eq!(percentile(&values, 99), 198);
        assert_eq!(percentile(&[7], 99), 7);
        assert_eq!(percentile(&[], 99), 0);
    }
}
