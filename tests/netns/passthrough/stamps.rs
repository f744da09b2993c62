//! Backends without TCP time stamps, as many systems are set up: clients are told none, either.

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAYS},
    net::Namespace,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

use super::{NAMES, block_on, ends, expect, listen, pair};

/// Options of a connection as `ss` names them, by the port of one end.
fn options(of: &Namespace, port: u16) -> Result<Vec<String>> {
    let shown = of.run("ss", ["-tinoH", &format!("sport = :{port}")])?;
    let words: Vec<_> = shown.split_whitespace().map(str::to_owned).collect();
    ensure!(!words.is_empty(), "ss knows no connection from port {port}");
    Ok(words)
}

/// A connection that carries data both ways; whether its client has time stamps, which keeps all other
/// options.
async fn has_stamps(bed: &Bed, to: &str, server: &TcpListener) -> Result<bool> {
    let (mut client, mut backend) = pair(bed, to, NAMES[0].0, server).await?;
    let all = [7; 10_000];
    client.write_all(&all).await?;
    expect(&mut backend, &all).await.context("to the backend")?;
    backend.write_all(&all).await?;
    expect(&mut client, &all).await.context("to the client")?;
    let of = |stream: &TcpStream| Ok::<_, std::io::Error>(stream.local_addr()?.port());
    let shown = options(&bed.client, of(&client)?)?;
    let scaled = shown.iter().any(|word| word.starts_with("wscale:"));
    let kept = scaled && shown.iter().any(|word| word == "sack");
    ensure!(kept, "no scale, or no SACK: {shown:?}");
    Ok(shown.iter().any(|word| word == "ts"))
}

#[test]
fn the_second_client_of_a_backend_without_time_stamps_has_none() -> Result<()> {
    let (bed, _daemon) = ends::bed()?;
    block_on(async {
        let server = listen(&bed, "app1", &format!("[::]:{}", ends::PORT)).await?;
        for gateway in GATEWAYS {
            let to = format!("{gateway}:443");
            let set = |to: &str| bed.app1.sysctl("net/ipv4/tcp_timestamps", to);
            set("1")?;
            ensure!(
                has_stamps(&bed, &to, &server).await?,
                "the backend has them"
            );
            set("0")?;
            // It was promised them before anything was known of the backend, and Linux bears that.
            ensure!(has_stamps(&bed, &to, &server).await?, "promised too late");
            for _ in 0..3 {
                ensure!(!has_stamps(&bed, &to, &server).await?, "nothing learned");
            }
        }
        Ok(())
    })
}
