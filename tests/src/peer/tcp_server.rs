//! TCP server: a greeting, then an echo.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::report::Greeting;

const BUFFER: usize = 64 * 1024;

#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(long)]
    listen: SocketAddr,
    /// Name of this server in its greeting.
    #[arg(long)]
    name: String,
}

pub(super) async fn serve(args: Args) -> Result<()> {
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", args.listen))?;
    eprintln!("listening on {}", args.listen);
    loop {
        let (stream, client) = listener.accept().await?;
        let server = args.name.clone();
        tokio::spawn(echo(stream, Greeting { server, client }));
    }
}

async fn echo(mut stream: TcpStream, greeting: Greeting) -> Result<()> {
    stream.set_nodelay(true)?;
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
