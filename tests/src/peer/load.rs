//! Load of short connections, each with a ClientHello: no byte is computed that need not be.

use std::{net::SocketAddr, rc::Rc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::LocalSet,
    time::{Instant, timeout},
};

use super::{
    hello::Opening,
    hello_server::ANSWER,
    tally::{Tally, microseconds},
};
use crate::report::LoadReport;

/// Sent behind the answer, and echoed: a short request and its response.
const OPAQUE: [u8; 300] = [b'e'; 300];
const PATIENCE: Duration = Duration::from_secs(5);
/// Hellos that are made in advance.
const HELLOS: u32 = 512;
/// So many failures are no accident.
const FAILURES: u64 = 100;

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
            let mut done = Tally::default();
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
    let mut all = Tally::default();
    for client in clients_are {
        all.add(client.await?);
    }
    Ok(report(all, start.elapsed()))
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

fn report(mut done: Tally, took: Duration) -> LoadReport {
    let (first_byte_median, first_byte_p99) = done.median_and_p99();
    LoadReport {
        connections: done.served(),
        failed: done.failed,
        errors: done.errors,
        microseconds: microseconds(took),
        first_byte_median,
        first_byte_p99,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::{
        super::{hello_server, tally::ERRORS},
        *,
    };

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
}
