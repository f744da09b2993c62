//! DNS client: asks again and again, counts what is lost.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result};
use tokio::{
    net::UdpSocket,
    time::{Instant, sleep, timeout_at},
};

use super::{
    dns,
    stop::{Budget, progress},
};
use crate::report::UdpReport;

/// Asks a DNS server for TXT records.
#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(long)]
    to: SocketAddr,
    #[arg(long, default_value = "hello.example.com")]
    name: String,
    /// Number of queries.
    #[arg(long)]
    count: Option<u64>,
    #[arg(long, default_value_t = 2)]
    interval_ms: u64,
    #[arg(long, default_value_t = 1000)]
    patience_ms: u64,
    /// One socket for all queries, which makes them one flow; else a new one for each.
    #[arg(long)]
    one_socket: bool,
}

pub(super) async fn run(args: Args) -> Result<UdpReport> {
    let mut report = UdpReport {
        client_address_kept: true,
        ..UdpReport::default()
    };
    let budget = Budget::new(args.count);
    let mut kept = None;
    while budget.take() {
        let socket = match kept.take() {
            Some(socket) => socket,
            None => open(args.to).await?,
        };
        let id = u16::try_from(report.sent % 0x1_0000)?;
        report.sent += 1;
        match ask(&args, id, &socket).await {
            Ok(text) => note(&mut report, &text, socket.local_addr()?),
            Err(error) => {
                report.lost += 1;
                report
                    .errors
                    .push(format!("query {}: {error:#}", report.sent));
            }
        }
        progress(report.sent);
        kept = args.one_socket.then_some(socket);
        sleep(Duration::from_millis(args.interval_ms)).await;
    }
    Ok(report)
}

async fn open(to: SocketAddr) -> Result<UdpSocket> {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await?;
    socket
        .connect(to)
        .await
        .with_context(|| format!("no way to {to}"))?;
    Ok(socket)
}

async fn ask(args: &Args, id: u16, socket: &UdpSocket) -> Result<String> {
    let end = Instant::now() + Duration::from_millis(args.patience_ms);
    socket.send(&dns::query(id, &args.name)).await?;
    let mut answer = [0; 512];
    loop {
        let length = timeout_at(end, socket.recv(&mut answer))
            .await
            .context("no answer")??;
        // An answer to an earlier query, which counted as lost, is passed over.
        if let Some(text) = dns::text(id, &answer[..length]) {
            return Ok(text);
        }
    }
}

/// `text` is the server's name and the client's address, with a space between.
fn note(report: &mut UdpReport, text: &str, local: SocketAddr) {
    let (server, client) = text.split_once(' ').unwrap_or((text, ""));
    *report.servers.entry(server.to_owned()).or_default() += 1;
    report.client_address_kept &= client == local.to_string();
}
