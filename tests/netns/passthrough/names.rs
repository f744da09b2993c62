//! The server name decides.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAYS},
    peer::hello::Opening,
};
use tokio::{io::AsyncWriteExt as _, time::timeout};

use super::{all_came_to, block_on, connect, daemon, expect, listen, rest};
use crate::tcp::LIMIT;

/// Port, name, and the server that has it.
const LEADS: [(u16, &str, &str); 7] = [
    (443, "app1.pass.example", "app1"),
    (443, "aPP1.Pass.EXAMPLE", "app1"),
    (443, "a.wild.pass.example", "app2"),
    (443, "a.b.wild.pass.example", "app2"),
    (443, "A.WILD.pass.example", "app2"),
    (443, "node.pass.example", "node"),
    (8443, "any.example", "app1"),
];
/// Names that no route has, though listeners may. The empty one stands for none.
const UNKNOWN: [&str; 5] = [
    "app3.pass.example",
    "wild.pass.example",
    "xapp1.pass.example",
    "app1.pass.example.org",
    "",
];
/// Hellos as they are told to the client: usual, post-quantum, of many records, and as long as one
/// can be.
const HELLOS: [&str; 5] = [
    "",
    "--hello-bytes 1900 --post-quantum",
    "--record-bytes 100",
    "--record-bytes 1 --hello-bytes 0",
    "--hello-bytes 16300 --post-quantum",
];

#[test]
fn every_name_and_every_hello_reach_their_server() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    for gateway in GATEWAYS {
        for (port, name, server) in LEADS {
            for hello in HELLOS {
                let ask = format!("--to {gateway}:{port} --server-name {name} {hello}");
                let report = bed.tcp(&format!("{ask} --count 3 --bytes 1000"))?;
                all_came_to(&report, server, 3_000).context(ask)?;
            }
        }
    }
    Ok(())
}

#[test]
fn weights_share_connections_out() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    for gateway in GATEWAYS {
        let ask = format!("--to {gateway}:443 --server-name split.pass.example --count 400");
        let report = bed.tcp(&ask)?;
        report.expect_echoed(400 * 64)?;
        // Three quarters of 400, and 5 standard deviations to each side.
        let first = report.servers.get("app1").copied().unwrap_or_default();
        ensure!((257..=343).contains(&first), "{report:?}");
        ensure!(report.servers.len() == 2, "{report:?}");
    }
    Ok(())
}

/// Nobody answers: not even with an alert. A backend never hears of it.
#[test]
fn what_no_route_has_is_closed_without_a_byte() -> Result<()> {
    let bed = Bed::passthrough()?;
    bed.tls_service("app1", &["10.77.1.2", "2001:db8:78::2"], 9_444)?;
    let _daemon = bed.daemon()?;
    block_on(async {
        let backend = listen(&bed, "app1", "[::]:9444").await?;
        for gateway in GATEWAYS {
            let to = format!("{gateway}:443");
            let hellos = UNKNOWN.iter().map(|name| Opening::of(name).wire(0));
            let mut all = hellos.collect::<Result<Vec<_>>>()?;
            all.push(b"GET / HTTP/1.1\r\nHost: app1.pass.example\r\n\r\n".to_vec());
            all.push(vec![0; 2_000]);
            // A session id that is longer than it may be.
            let mut odd = Opening::of("app1.pass.example").wire(0)?;
            odd[43] = 0xff;
            all.push(odd);
            for bytes in all {
                let mut client = connect(&bed, &to).await?;
                client.write_all(&bytes).await?;
                let (said, _) = rest(&mut client).await?;
                ensure!(said.is_empty(), "{bytes:?} was answered with {said:?}");
            }
            let asked = timeout(Duration::from_millis(100), backend.accept()).await;
            ensure!(asked.is_err(), "the backend was asked");
            // The backend is there. What it says to an old version is its own business.
            for minor in [3, 2, 1] {
                let mut hello = Opening::of("app1.pass.example").wire(0)?;
                ensure!(hello[9..11] == [3, 3], "no version: {hello:?}");
                hello[10] = minor;
                let mut client = connect(&bed, &to).await?;
                client.write_all(&hello).await?;
                let (mut backend, _) = timeout(LIMIT, backend.accept()).await??;
                expect(&mut backend, &hello).await?;
            }
        }
        Ok(())
    })
}
