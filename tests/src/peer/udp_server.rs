//! DNS server that answers every question with its name and the client's address.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::net::UdpSocket;

use super::dns;

#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(long)]
    listen: SocketAddr,
    /// Name of this server in its answers.
    #[arg(long)]
    name: String,
}

pub(super) async fn serve(args: Args) -> Result<()> {
    let socket = UdpSocket::bind(args.listen).await;
    let socket = socket.with_context(|| format!("cannot listen on {}", args.listen))?;
    eprintln!("listening on {}", args.listen);
    let mut query = [0; 512];
    loop {
        let (length, client) = socket.recv_from(&mut query).await?;
        let text = format!("{} {client}", args.name);
        if let Some(answer) = dns::answer(&query[..length], &text) {
            // A client that has gone (ICMP) is no reason to stop serving the others.
            let _ = socket.send_to(&answer, client).await;
        }
    }
}
