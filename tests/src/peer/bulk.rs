//! Bytes in one direction behind a ClientHello, as fast as they go.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use super::{
    hello::Opening,
    hello_server::{ANSWER, DOWN, PIECE, UP},
    tally::microseconds,
};
use crate::report::BulkReport;

/// Sends over one connection for a while, or receives.
#[derive(clap::Args, Clone)]
pub(super) struct Args {
    #[arg(long)]
    to: SocketAddr,
    /// From the server to the client.
    #[arg(long)]
    down: bool,
    #[arg(long, default_value_t = 1000)]
    milliseconds: u64,
    #[command(flatten)]
    opening: Opening,
}

pub(super) async fn run(args: Args) -> Result<BulkReport> {
    let mut stream = TcpStream::connect(args.to)
        .await
        .context("cannot connect")?;
    stream.set_nodelay(true)?;
    stream.write_all(&args.opening.numbered(0).wire(0)?).await?;
    let answer = stream.read_exact(&mut [0; ANSWER]).await;
    answer.context("no answer")?;
    let start = Instant::now();
    let end = start + Duration::from_millis(args.milliseconds);
    let mut piece = vec![if args.down { DOWN } else { UP }; PIECE];
    let mut bytes = 0;
    if args.down {
        stream.write_all(&piece[..1]).await?;
        while Instant::now() < end {
            let length = stream.read(&mut piece).await?;
            ensure!(length > 0, "ended after {bytes} bytes");
            bytes += length as u64;
        }
    } else {
        while Instant::now() < end {
            stream.write_all(&piece).await.context("cannot send")?;
            bytes += piece.len() as u64;
        }
        // What was sent has arrived when the server ends, too.
        stream.shutdown().await?;
        let more = stream.read(&mut piece).await.context("cut at the end")?;
        ensure!(more == 0, "{more} bytes too many");
    }
    Ok(BulkReport {
        bytes,
        microseconds: microseconds(start.elapsed()),
    })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::{super::hello_server, *};

    #[tokio::test]
    async fn bytes_go_either_way() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        tokio::spawn(hello_server::accept(listener));
        for down in [false, true] {
            let opening = Opening::of("bench.example");
            let args = Args {
                to,
                down,
                milliseconds: 50,
                opening,
            };
            let report = run(args).await.unwrap();
            assert!(report.bytes > PIECE as u64, "{report:?}");
            assert!(report.microseconds > 0, "{report:?}");
        }
    }
}
