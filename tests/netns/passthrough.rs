//! TLSRoutes with mode Passthrough, end to end: real programs, and clients that do what no program
//! does.

mod bulk;
mod changes;
mod crowds;
mod drained;
mod ends;
pub(crate) mod hellos;
mod loss;
mod names;
mod stacks;
mod stamps;

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAYS},
    daemon::Daemon,
    net::Namespace,
    peer::hello::Opening,
    report::TcpReport,
    wait::wait_until,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

use crate::tcp::LIMIT;

/// Names that lead to one backend alone: in a namespace of its own, and on the node.
pub(crate) const NAMES: [(&str, &str); 2] =
    [("app1.pass.example", "app1"), ("node.pass.example", "node")];
const PATIENCE: Duration = Duration::from_secs(10);

/// The daemon, when all routes of the bed are in force.
pub(crate) fn daemon(bed: &Bed) -> Result<Daemon> {
    let daemon = bed.daemon()?;
    all_served(bed)?;
    Ok(daemon)
}

/// Waits until all routes of the bed are in force.
pub(crate) fn all_served(bed: &Bed) -> Result<()> {
    for gateway in GATEWAYS {
        for (name, server) in NAMES {
            served(bed, &format!("{gateway}:443"), name, server)?;
        }
    }
    Ok(())
}

/// Waits until connections for a name come to a server.
fn served(bed: &Bed, to: &str, name: &str, server: &str) -> Result<()> {
    wait_until(LIMIT, &format!("{name} at {to} leads to {server}"), || {
        let report = bed.tcp(&format!("--to {to} --server-name {name}"))?;
        Ok(report.servers.contains_key(server))
    })?;
    Ok(())
}

/// Every connection came to this server and brought all bytes back.
pub(crate) fn all_came_to(report: &TcpReport, server: &str, bytes: u64) -> Result<()> {
    report.expect_echoed(bytes)?;
    let alone = report.servers.len() == 1 && report.servers.contains_key(server);
    ensure!(alone, "not {server} alone: {report:?}");
    Ok(())
}

/// Runs what both ends of connections do, in this thread.
pub(crate) fn block_on<R>(work: impl Future<Output = Result<R>>) -> Result<R> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(work)
}

/// The namespace of this role.
fn role<'a>(bed: &'a Bed, role: &str) -> &'a Namespace {
    match role {
        "app1" => &bed.app1,
        "app2" => &bed.app2,
        _ => &bed.node,
    }
}

/// A server of our own, where a role of the bed is.
async fn listen(bed: &Bed, role: &str, address: &str) -> Result<TcpListener> {
    let bind = || Ok(std::net::TcpListener::bind(address)?);
    let listener = self::role(bed, role).enter(bind)?;
    listener.set_nonblocking(true)?;
    Ok(TcpListener::from_std(listener)?)
}

/// A connection of the bed's client.
pub(crate) async fn connect(bed: &Bed, to: &str) -> Result<TcpStream> {
    let to: SocketAddr = to.parse()?;
    let open = || match to {
        SocketAddr::V4(_) => Ok(TcpSocket::new_v4()?),
        SocketAddr::V6(_) => Ok(TcpSocket::new_v6()?),
    };
    let socket = bed.client.enter(open)?;
    let stream = timeout(PATIENCE, socket.connect(to)).await;
    let stream = stream.context("no answer")?.context("cannot connect")?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A connection with a hello for this name, of which the server has had all.
async fn pair(
    bed: &Bed,
    to: &str,
    name: &str,
    server: &TcpListener,
) -> Result<(TcpStream, TcpStream)> {
    let mut client = connect(bed, to).await?;
    let hello = Opening::of(name).wire(0)?;
    client.write_all(&hello).await?;
    let accepted = timeout(PATIENCE, server.accept()).await;
    let (mut backend, _) = accepted.context("nobody came to the backend")??;
    expect(&mut backend, &hello).await.context("the hello")?;
    Ok((client, backend))
}

/// Exactly these bytes come next.
async fn expect(from: &mut TcpStream, bytes: &[u8]) -> Result<()> {
    let mut got = vec![0; bytes.len()];
    let read = timeout(PATIENCE, from.read_exact(&mut got)).await;
    read.context("silence")?.context("cut")?;
    ensure!(got == bytes, "other bytes came");
    Ok(())
}

/// All bytes until the end, and how it came: `None` for a last word, else the error.
async fn rest(from: &mut TcpStream) -> Result<(Vec<u8>, Option<std::io::ErrorKind>)> {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, from.read_to_end(&mut bytes)).await;
    let end = read.context("the connection does not end")?;
    Ok((bytes, end.err().map(|error| error.kind())))
}
