//! TCP server: a greeting, then an echo. Maybe a ClientHello before.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{hello, pattern::Checksum};
use crate::report::Greeting;

const BUFFER: usize = 64 * 1024;

#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(long)]
    listen: SocketAddr,
    /// Name of this server in its greeting.
    #[arg(long)]
    name: String,
    /// Wait for a whole ClientHello before the greeting.
    #[arg(long)]
    after_hello: bool,
}

pub(super) async fn serve(args: Args) -> Result<()> {
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", args.listen))?;
    eprintln!("listening on {}", args.listen);
    loop {
        let (stream, client) = listener.accept().await?;
        let greeting = Greeting {
            server: args.name.clone(),
            client,
            hello: None,
        };
        tokio::spawn(echo(stream, greeting, args.after_hello));
    }
}

async fn echo(mut stream: TcpStream, mut greeting: Greeting, after_hello: bool) -> Result<()> {
    stream.set_nodelay(true)?;
    if after_hello {
        greeting.hello = Some(read_hello(&mut stream).await?);
    }
    let mut line = serde_json::to_vec(&greeting)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut buffer = vec![0; BUFFER];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(stream.shutdown().await?),
            length => stream.write_all(&buffer[..length]).await?,
        }
    }
}

/// Takes a ClientHello and not a byte more; its sum.
pub(super) async fn read_hello(stream: &mut TcpStream) -> Result<u64> {
    let mut bytes = Vec::new();
    loop {
        let (begun, more) = (bytes.len(), hello::missing(&bytes)?);
        if more == 0 {
            let mut sum = Checksum::new();
            sum.add(&bytes);
            return Ok(sum.0);
        }
        bytes.resize(begun + more, 0);
        stream.read_exact(&mut bytes[begun..]).await?;
    }
}
