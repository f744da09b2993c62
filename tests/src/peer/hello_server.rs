//! TCP server that answers a ClientHello, for load: what it does costs little.

use std::{
    io,
    net::{self, SocketAddr},
};

use anyhow::{Context as _, Result};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{deferred::defer, tcp_server::read_hello};

/// Bytes of the answer to a hello: a ServerHello and a chain of two certificates are as long.
pub(super) const ANSWER: usize = 3_000;
/// First byte behind the hello: take what comes.
pub(super) const UP: u8 = b'u';
/// First byte behind the hello: send until the client has enough.
pub(super) const DOWN: u8 = b'd';
/// Bytes of a read or a write.
pub(super) const PIECE: usize = 256 * 1024;

#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(long)]
    listen: SocketAddr,
    /// Wake for the first data of a connection, not for its handshake.
    #[arg(long)]
    deferred: bool,
}

pub(super) async fn serve(args: Args) -> Result<()> {
    let listener = listen(&args).with_context(|| format!("cannot listen on {}", args.listen))?;
    eprintln!("listening on {}", args.listen);
    accept(listener).await
}

fn listen(args: &Args) -> io::Result<TcpListener> {
    let listener = net::TcpListener::bind(args.listen)?;
    if args.deferred {
        defer(&listener)?;
    }
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

pub(super) async fn accept(listener: TcpListener) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer(stream));
    }
}

async fn answer(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    read_hello(&mut stream).await?;
    stream.write_all(&[0; ANSWER]).await?;
    // Small until it is known to be much: there are many of these.
    let mut first = [0; 1024];
    let length = stream.read(&mut first).await?;
    match first[..length].first() {
        None => return Ok(()),
        Some(&UP) => take(&mut stream).await?,
        Some(&DOWN) => loop {
            stream.write_all(&vec![0; PIECE]).await?;
        },
        Some(_) => {
            stream.write_all(&first[..length]).await?;
            while let length @ 1.. = stream.read(&mut first).await? {
                stream.write_all(&first[..length]).await?;
            }
        }
    }
    Ok(stream.shutdown().await?)
}

async fn take(stream: &mut TcpStream) -> Result<()> {
    let mut piece = vec![0; PIECE];
    while stream.read(&mut piece).await? > 0 {}
    Ok(())
}
