//! `flows` and `trace` of TLS passthrough: what they say is what happens.

use std::{fs, net::SocketAddr};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAYS},
    peer::hello::Opening,
    process::Process,
    programs::{Programs, root},
    report::TcpReport,
    wait::wait_until,
};
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
};

use crate::{
    inspect::{examples, json, run, shape},
    passthrough::{block_on, connect, daemon},
    tcp::LIMIT,
};

const CONNECTIONS: usize = 5;
/// The client's, in the order of [`GATEWAYS`].
const CLIENTS: [&str; 2] = ["10.77.0.2", "2001:db8:77::2"];
const SPLIT: &str = "split.pass.example";
const APPS: [&str; 2] = ["10.77.1.2:9443", "10.77.2.2:9443"];

fn rows(bed: &Bed, arguments: &str) -> Result<Vec<Value>> {
    let flows = json(bed, &format!("flows {arguments}"))?;
    flows.as_array().cloned().context("no list")
}

/// A connection from this port of the client, with the whole hello sent.
async fn from_port(bed: &Bed, port: u16, to: &str, name: &str) -> Result<TcpStream> {
    let socket = bed.client.enter(|| Ok(TcpSocket::new_v4()?))?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::new(CLIENTS[0].parse()?, port))?;
    let mut stream = socket.connect(to.parse()?).await?;
    stream.write_all(&Opening::of(name).wire(0)?).await?;
    Ok(stream)
}

#[test]
fn the_documentation_shows_what_the_commands_print() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    let text = fs::read_to_string(root()?.join("docs/tls-passthrough.md"))?;
    let examples = examples(&text);
    ensure!(examples.len() == 2, "{examples:?}");
    for (command, shown) in examples {
        let printed = run(&bed, command)?;
        // Of connections, the columns: how many there are depends on how long the bed takes.
        let lines = if command.starts_with("flows") {
            2
        } else {
            usize::MAX
        };
        let begin = |text: &str| {
            let lines: Vec<_> = text.lines().take(lines).collect();
            shape(&lines.join("\n"))
        };
        ensure!(
            begin(shown) == begin(&printed),
            "docs/tls-passthrough.md differs from `xdp-gateway {command}`, which prints\n{printed}"
        );
    }
    Ok(())
}

fn crowd(bed: &Bed) -> Result<Process> {
    let ask = format!(
        "crowd --to {}:443 --server-name app1.pass.example --connections {CONNECTIONS}",
        GATEWAYS[0]
    );
    let mut crowd = bed.start("crowd", &ask)?;
    crowd.goes_on(2)?;
    Ok(crowd)
}

#[test]
fn flows_shows_connections_with_their_routes_and_bytes() -> Result<()> {
    let bed = Bed::passthrough()?;
    let daemon = daemon(&bed)?;
    let crowd = crowd(&bed)?;
    let rows = || rows(&bed, "--backend default/app1 --port 443 --client 10.77.0.2");
    let mut open = rows()?;
    open.retain(|row| row["state"] == "open");
    ensure!(open.len() == CONNECTIONS, "{open:?}");
    for row in open {
        let ends = row["address"] == "10.77.0.100:443" && row["backend"] == APPS[0];
        ensure!(ends && row["far"] == "no", "{row}");
        let names = serde_json::json!(["default/one", ["through"]]);
        ensure!(
            serde_json::json!([row["route"], row["listeners"]]) == names,
            "{row}"
        );
    }
    let table = run(&bed, "flows --port 443")?;
    ensure!(table.starts_with("TLS passthrough\n"), "{table}");
    let report: TcpReport = crowd.finish()?;
    report.expect_echoed(report.bytes_sent)?;
    let ended = rows()?;
    let carried = ended.iter().filter(|row| {
        let bytes = |end| row["tls"][end].as_u64();
        bytes("clientBytes") > bytes("backendBytes") && bytes("backendBytes") > Some(64)
    });
    let carried = carried.count();
    ensure!(
        carried >= CONNECTIONS,
        "a hello and what is echoed: {ended:?}"
    );
    daemon.kill()?;
    let mut left = self::rows(&bed, "--backend 10.77.1.2")?;
    ensure!(left.len() >= CONNECTIONS, "{left:?}");
    left.retain(|row| row.get("route").is_some());
    ensure!(left.is_empty(), "names without a daemon: {left:?}");
    Ok(())
}

#[test]
fn flows_follows_connections() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    let pins = bed.net.pins().display().to_string();
    let follow = ["flows", "--follow", "--backend", APPS[0]];
    let follow = follow.into_iter().chain(["--pin-dir", &pins]);
    let follower = Process::server(&bed.node, "follow", &Programs::get()?.gateway, follow)?;
    wait_until(LIMIT, "the tables are followed", || {
        Ok(follower.log().contains("following:"))
    })?;
    let told = |word: &str| {
        let log = follower.log();
        let lines = log.lines().filter(|line| line.starts_with(word));
        lines.count() == CONNECTIONS
    };
    let crowd = crowd(&bed)?;
    wait_until(LIMIT, "all have opened", || Ok(told("opened"))).with_context(|| follower.log())?;
    let report: TcpReport = crowd.finish()?;
    report.expect_echoed(report.bytes_sent)?;
    wait_until(LIMIT, "all have closed", || Ok(told("closed"))).with_context(|| follower.log())?;
    Ok(())
}

#[test]
fn flows_shows_what_the_proxy_has() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    for (gateway, client) in GATEWAYS.iter().zip(CLIENTS) {
        bed.tcp(&format!(
            "--to {gateway}:443 --server-name nobody.pass.example"
        ))?;
        let rows = rows(&bed, &format!("--port 443 --client {client}"))?;
        let mut proxied = rows.iter().filter(|row| row["backend"] == "proxy");
        let found = proxied.next().with_context(|| format!("none: {rows:?}"))?;
        ensure!(
            found["service"] == 0 && found.get("route").is_none(),
            "{found}"
        );
    }
    Ok(())
}

#[test]
fn a_connection_is_shown_from_its_first_bytes_on() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    block_on(async {
        for gateway in GATEWAYS {
            let mut client = connect(&bed, &format!("{gateway}:443")).await?;
            let from = client.local_addr()?;
            let hello = Opening::of(SPLIT).wire(0)?;
            let own = || -> Result<Option<Value>> {
                let all = rows(&bed, &format!("--client {}", from.ip()))?;
                Ok(all
                    .into_iter()
                    .find(|row| row["client"] == from.to_string()))
            };
            client.write_all(&hello[..100]).await?;
            wait_until(LIMIT, "the hello is waited for", || {
                let row = own()?;
                Ok(row.is_some_and(|row| row["state"] == "hello" && row["backend"].is_null()))
            })?;
            client.write_all(&hello[100..]).await?;
            wait_until(LIMIT, "a backend has it", || {
                let row = own()?;
                Ok(
                    row.is_some_and(|row| {
                        row["state"] == "open" && row["route"] == "default/split"
                    }),
                )
            })?;
        }
        Ok(())
    })
}

#[test]
fn a_trace_says_where_a_server_name_leads() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    for (gateway, client) in GATEWAYS.iter().zip(CLIENTS) {
        let trace = |options: &str| {
            let client = Bed::at(client, 7);
            json(&bed, &format!("trace tcp {client} {gateway}:443 {options}"))
        };
        let named = trace("--sni APP1.pass.example.")?;
        let to = named["rewritten"].as_str().context("no backend")?;
        ensure!(to.ends_with(":9443"), "{named}");
        ensure!(
            named["counter"] == "tls" && named["gateway"] == "default/demo",
            "{named}"
        );
        ensure!(
            named["routes"] == serde_json::json!(["default/one"]),
            "{named}"
        );
        let text = named.to_string();
        for words in [
            "tls_names: app1.pass.example leads to service",
            "of Service default/app1:443",
            "which sees the client's address",
        ] {
            ensure!(text.contains(words), "no {words:?}: {named}");
        }
        let below = trace("--sni x.y.wild.pass.example")?.to_string();
        ensure!(
            below.contains(
                "tls_wildcards: x.y.wild.pass.example is served by the entry *.wild.pass.example"
            ),
            "{below}"
        );
        for nobody in ["nobody.pass.example", "any.example", ""] {
            let trace = trace(&format!("--sni={nobody}"))?;
            let text = trace.to_string();
            let proxied = text.contains("of the proxy takes the connection");
            ensure!(
                trace["rewritten"].is_null() && proxied,
                "{nobody:?}: {trace}"
            );
        }
        let unnamed = trace("")?;
        ensure!(unnamed["rewritten"].is_null(), "{unnamed}");
        ensure!(unnamed.to_string().contains("--sni NAME"), "{unnamed}");
    }
    let long = run(
        &bed,
        &format!(
            "trace tcp 10.77.0.2:7 10.77.0.100:443 --sni {}",
            "a".repeat(254)
        ),
    );
    ensure!(long.is_err_and(|e| e.to_string().contains("at most 253")));
    Ok(())
}

#[test]
fn a_trace_is_right_about_backends_and_replies() -> Result<()> {
    const PORTS: std::ops::Range<u16> = 41_000..41_012;
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    let to = format!("{}:443", GATEWAYS[0]);
    block_on(async {
        let mut seen = Vec::new();
        for port in PORTS {
            let client = format!("{}:{port}", CLIENTS[0]);
            let trace = |name: &str| json(&bed, &format!("trace tcp {client} {to} {name}"));
            let foretold = trace(&format!("--sni {SPLIT}"))?["rewritten"].clone();
            let _open = from_port(&bed, port, &to, SPLIT).await?;
            wait_until(LIMIT, "it is open", || {
                let all = rows(&bed, "--port 443")?;
                let own = all.iter().find(|row| row["client"] == client.as_str());
                Ok(own.is_some_and(|row| row["state"] == "open" && row["backend"] == foretold))
            })
            .with_context(|| format!("{client} to {foretold}"))?;
            let known = trace("")?;
            ensure!(known["rewritten"] == foretold, "{known}");
            let backend = foretold.as_str().context("no backend")?;
            let reply = json(&bed, &format!("trace tcp {backend} {client}"))?;
            ensure!(
                reply["rewritten"] == to.as_str() && reply["counter"] == "tls",
                "{reply}"
            );
            seen.push(backend.to_owned());
        }
        ensure!(
            APPS.iter().all(|app| seen.contains(&(*app).to_owned())),
            "{seen:?}"
        );
        Ok(())
    })
}
