//! How connections end, and backends that are not as they should be.

use std::{io::ErrorKind, time::Duration};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAYS},
    daemon::Daemon,
    peer::hello::Opening,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use super::{NAMES, PATIENCE, all_came_to, block_on, connect, expect, listen, pair, rest};

/// Of our own servers.
pub(super) const PORT: u16 = 9_444;
/// Where nobody listens.
const CLOSED: u16 = 9_445;
const APP1: [&str; 2] = ["10.77.1.2", "2001:db8:78::2"];
const NODE: [&str; 2] = ["10.77.0.1", "2001:db8:77::1"];

/// A bed whose names lead to our own servers.
pub(super) fn bed() -> Result<(Bed, Daemon)> {
    let bed = Bed::passthrough()?;
    bed.tls_service("app1", &APP1, PORT)?;
    bed.tls_service("node", &NODE, PORT)?;
    let daemon = bed.daemon()?;
    Ok((bed, daemon))
}

/// Does the same with both ends (client, backend) of a connection in each family and to each server.
fn each(scenario: impl AsyncFn(TcpStream, TcpStream) -> Result<()>) -> Result<()> {
    let (bed, _daemon) = bed()?;
    block_on(async {
        for (name, server) in NAMES {
            let listener = listen(&bed, server, &format!("[::]:{PORT}")).await?;
            for gateway in GATEWAYS {
                let to = format!("{gateway}:443");
                let (client, backend) = pair(&bed, &to, name, &listener).await?;
                let done = scenario(client, backend).await;
                done.with_context(|| format!("{name} at {to}"))?;
            }
        }
        Ok(())
    })
}

#[test]
fn the_last_word_of_one_side_leaves_the_other_its_own() -> Result<()> {
    each(async |mut client, mut backend| {
        client.write_all(b"last question").await?;
        client.shutdown().await?;
        ensure!(rest(&mut backend).await? == (b"last question".to_vec(), None));
        backend.write_all(b"late answer").await?;
        backend.write_all(&[7; 100_000]).await?;
        drop(backend);
        let (said, end) = rest(&mut client).await?;
        ensure!(end.is_none() && said.len() == 100_011, "{end:?}");
        Ok(())
    })?;
    each(async |mut client, mut backend| {
        backend.write_all(b"nothing more").await?;
        backend.shutdown().await?;
        ensure!(rest(&mut client).await? == (b"nothing more".to_vec(), None));
        client.write_all(b"but I have").await?;
        client.write_all(&[7; 100_000]).await?;
        drop(client);
        let (said, end) = rest(&mut backend).await?;
        ensure!(end.is_none() && said.len() == 100_010, "{end:?}");
        Ok(())
    })
}

#[test]
fn a_reset_of_one_side_reaches_the_other() -> Result<()> {
    let reset = Some(ErrorKind::ConnectionReset);
    each(async |client, mut backend| {
        client.set_zero_linger()?;
        drop(client);
        ensure!(rest(&mut backend).await? == (Vec::new(), reset));
        Ok(())
    })?;
    each(async |mut client, backend| {
        backend.set_zero_linger()?;
        drop(backend);
        ensure!(rest(&mut client).await? == (Vec::new(), reset));
        Ok(())
    })?;
    // With data on its way, and more to come.
    each(async |mut client, mut backend| {
        client.write_all(&[7; 10_000]).await?;
        backend.write_all(b"I go").await?;
        expect(&mut client, b"I go").await?;
        client.set_zero_linger()?;
        drop(client);
        let (_, end) = rest(&mut backend).await?;
        ensure!(end == reset, "{end:?}");
        Ok(())
    })
}

#[test]
fn a_connection_that_was_silent_goes_on() -> Result<()> {
    each(async |mut client, mut backend| {
        for _ in 0..2 {
            sleep(Duration::from_millis(1_200)).await;
            client.write_all(b"question").await?;
            expect(&mut backend, b"question").await?;
            sleep(Duration::from_millis(300)).await;
            backend.write_all(b"answer").await?;
            expect(&mut client, b"answer").await?;
        }
        Ok(())
    })
}

/// A server that accepts and says nothing costs nobody else anything.
#[test]
fn the_clients_of_a_silent_backend_wait_for_it() -> Result<()> {
    let (bed, _daemon) = bed()?;
    block_on(async {
        let (name, server) = NAMES[0];
        let listener = listen(&bed, server, &format!("[::]:{PORT}")).await?;
        let to = format!("{}:443", GATEWAYS[0]);
        let mut silent = Vec::new();
        for _ in 0..50 {
            silent.push(pair(&bed, &to, name, &listener).await?);
        }
        for (index, (client, backend)) in silent.iter_mut().enumerate() {
            let number = [u8::try_from(index)?; 100];
            backend.write_all(&number).await?;
            expect(client, &number).await?;
        }
        Ok(())
    })
}

/// Where every endpoint refuses, the client learns it; where one serves, it never does.
#[test]
fn endpoints_that_refuse_are_passed_over() -> Result<()> {
    let bed = Bed::passthrough()?;
    // Nobody listens at these, though the hosts are there.
    bed.tls_service("app1", &APP1, CLOSED)?;
    bed.tls_service("node", &NODE, CLOSED)?;
    let both = [APP1, ["10.77.2.2", "2001:db8:79::2"]].concat();
    bed.tls_service("app2", &both, PORT)?;
    let _daemon = bed.daemon()?;
    block_on(async {
        for (name, _) in NAMES {
            for gateway in GATEWAYS {
                let mut client = connect(&bed, &format!("{gateway}:443")).await?;
                client.write_all(&Opening::of(name).wire(0)?).await?;
                let (said, _) = rest(&mut client).await.context(name)?;
                ensure!(said.is_empty(), "{said:?}");
            }
        }
        // Of app1 and app2, only app2 has this port.
        let listener = listen(&bed, "app2", &format!("[::]:{PORT}")).await?;
        for gateway in GATEWAYS {
            let to = format!("{gateway}:443");
            for _ in 0..20 {
                let (mut client, mut backend) =
                    pair(&bed, &to, "a.wild.pass.example", &listener).await?;
                backend.write_all(b"served").await?;
                expect(&mut client, b"served").await?;
            }
        }
        Ok(())
    })
}

/// All that is sent to the backend is lost for a while, as on a link that was down.
#[test]
fn a_backend_that_is_late_gets_the_hello() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = super::daemon(&bed)?;
    let lose = |what: &str| {
        let arguments = format!("qdisc {what} dev app1 root blackhole");
        bed.node.run("tc", arguments.split(' '))
    };
    for gateway in GATEWAYS {
        lose("add")?;
        let ask = format!(
            "tcp --to {gateway}:443 --server-name {} --bytes 100000",
            NAMES[0].0
        );
        let late = bed.start("late", &ask)?;
        std::thread::sleep(Duration::from_millis(600));
        lose("del")?;
        all_came_to(&late.report()?, NAMES[0].1, 100_000)?;
    }
    Ok(())
}

/// Connections that a client opens and leaves without a hello are no burden, and no backend hears
/// of them.
#[test]
fn clients_without_a_hello_reach_nobody() -> Result<()> {
    let (bed, _daemon) = bed()?;
    block_on(async {
        let (name, server) = NAMES[0];
        let listener: TcpListener = listen(&bed, server, &format!("[::]:{PORT}")).await?;
        for gateway in GATEWAYS {
            let to = format!("{gateway}:443");
            let hello = Opening::of(name).wire(0)?;
            for begun in [&b""[..], &hello[..1], &hello[..300]] {
                let mut client = connect(&bed, &to).await?;
                client.write_all(begun).await?;
                client.shutdown().await?;
                let (said, _) = rest(&mut client).await?;
                ensure!(said.is_empty(), "{said:?}");
                // Without a word at the end.
                let mut client = connect(&bed, &to).await?;
                client.write_all(begun).await?;
                client.set_zero_linger()?;
            }
            let (mut client, mut backend) = pair(&bed, &to, name, &listener).await?;
            client.write_all(b"the first").await?;
            expect(&mut backend, b"the first").await?;
        }
        let more = timeout(PATIENCE / 100, listener.accept()).await;
        ensure!(more.is_err(), "a backend was asked");
        Ok(())
    })
}
