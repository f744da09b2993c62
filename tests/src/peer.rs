//! Small real servers and clients, as the `peer` binary.

mod bulk;
mod crowd;
mod deferred;
mod dns;
mod flood;
pub mod hello;
mod hello_server;
mod http_client;
mod http_connection;
mod http_load;
mod http_server;
mod load;
mod pattern;
mod ping;
mod segment;
mod segments;
mod stop;
mod tally;
mod tcp_client;
mod tcp_server;
mod udp_client;
mod udp_server;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;

/// Servers answer with their name and what they see; clients print a report as JSON.
///
/// A client works until its count is reached; without one until its standard input closes.
#[derive(Parser)]
#[command(name = "peer")]
pub struct Cli {
    #[command(subcommand)]
    role: Role,
    /// A client that takes longer fails.
    #[arg(long, global = true, default_value_t = 120)]
    limit_seconds: u64,
}

#[derive(Subcommand)]
enum Role {
    /// Answers each HTTP request with JSON: version, path, headers, client.
    ServeHttp(http_server::Args),
    /// Greets with one line of JSON (server, client), then sends back what it gets.
    ServeTcp(tcp_server::Args),
    /// Answers a ClientHello with bytes, then does what the next byte says.
    ServeHello(hello_server::Args),
    /// Answers DNS queries with a TXT record: its name and the client's address.
    ServeUdp(udp_server::Args),
    Http(http_client::Args),
    HttpLoad(http_load::Args),
    Tcp(tcp_client::Args),
    Crowd(crowd::Args),
    Load(load::Args),
    Bulk(bulk::Args),
    Udp(udp_client::Args),
    Ping(ping::Args),
    Segments(segments::Args),
    Flood(flood::Args),
}

/// Does what the command line says.
///
/// # Errors
/// A server cannot listen; a client cannot work at all. What fails on the way is in its report.
pub async fn main(cli: Cli) -> Result<()> {
    let limit = Duration::from_secs(cli.limit_seconds);
    raise_file_limit()?;
    match cli.role {
        Role::ServeHttp(args) => http_server::serve(args).await,
        Role::ServeTcp(args) => tcp_server::serve(args).await,
        Role::ServeHello(args) => hello_server::serve(args).await,
        Role::ServeUdp(args) => udp_server::serve(args).await,
        Role::Http(args) => print(limit, http_client::run(args)).await,
        Role::HttpLoad(args) => print(limit, http_load::run(args)).await,
        Role::Tcp(args) => print(limit, tcp_client::run(args)).await,
        Role::Crowd(args) => print(limit, crowd::run(args)).await,
        Role::Load(args) => print(limit, load::run(args)).await,
        Role::Bulk(args) => print(limit, bulk::run(args)).await,
        Role::Udp(args) => print(limit, udp_client::run(args)).await,
        Role::Ping(args) => print(limit, ping::run(args)).await,
        Role::Segments(args) => print(limit, segments::run(args)).await,
        Role::Flood(args) => print(limit, flood::run(args)).await,
    }
}

/// As many connections as the system allows: the soft limit of a shell is far lower.
fn raise_file_limit() -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).context("cannot raise the limit of open files")
}

async fn print<R: Serialize>(
    limit: Duration,
    client: impl Future<Output = Result<R>>,
) -> Result<()> {
    let Ok(report) = tokio::time::timeout(limit, client).await else {
        bail!("not done after {limit:?}");
    };
    println!("{}", serde_json::to_string(&report?)?);
    Ok(())
}
