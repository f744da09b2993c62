//! TLS passthrough of more than 100,000 server names.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAYS, TlsRoute},
    daemon::Daemon,
    measured::measured,
    peer::hello::numbered,
    report::TcpReport,
    wait::wait_until,
};
use serde_json::Value;

use crate::{
    admin::sum,
    inspect::{json, run},
    passthrough::{NAMES, all_came_to},
};

/// Routes, and the host names of each: the most that the API allows.
const ROUTES: u32 = 6_250;
const EACH: u32 = 16;
const DOMAIN: &str = "many.pass.example";
/// Routes in one file.
const PER_FILE: u32 = 625;
/// Service of a route, and server of its endpoint.
const SERVERS: [&str; 3] = ["app1", "app2", "node"];
/// The first, the last, and some between.
const ASKED: [u32; 5] = [0, 4_711, 50_000, 77_777, ROUTES * EACH - 1];
const CONNECTIONS: u64 = 5;
/// For the daemon, which is not optimised here, to read and serve all.
const PATIENCE: Duration = Duration::from_mins(5);

fn server(route: u32) -> &'static str {
    SERVERS[(route % 3) as usize]
}

fn manifest(route: u32, backend: &str) -> String {
    let names: Vec<_> = (route * EACH..(route + 1) * EACH)
        .map(|n| numbered(DOMAIN, n))
        .collect();
    let hostnames: Vec<_> = names.iter().map(String::as_str).collect();
    let name = format!("many-{route}");
    let route = TlsRoute {
        name: &name,
        listener: "through",
        hostnames: &hostnames,
        backends: &[(backend, 1)],
    };
    route.manifest()
}

/// Writes the routes of one file; the one that is moved leads to another backend.
fn write(bed: &Bed, file: u32, moved: Option<(u32, &str)>) -> Result<()> {
    let routes = (file * PER_FILE..(file + 1) * PER_FILE).map(|route| match moved {
        Some((moved, backend)) if moved == route => manifest(route, backend),
        _ => manifest(route, server(route)),
    });
    let text: String = routes.collect();
    bed.config.write(&format!("many-{file}.yaml"), &text)
}

fn daemon(bed: &Bed, what: &str) -> Result<Daemon> {
    let began = Instant::now();
    let mut daemon = Daemon::start(&bed.node, bed.config.dir(), &bed.net.pins(), &[])?;
    daemon.wait_ready_for(PATIENCE)?;
    let (names, took) = (ROUTES * EACH, began.elapsed());
    measured(format_args!(
        "{what} with {names} names: ready after {took:?}"
    ));
    Ok(daemon)
}

fn ask(bed: &Bed, name: &str) -> Result<TcpReport> {
    let to = format!("{}:443", GATEWAYS[0]);
    bed.tcp(&format!(
        "--to {to} --server-name {name} --count {CONNECTIONS}"
    ))
}

/// Connections that XDP asked a backend for.
fn asked(daemon: &Daemon) -> Result<f64> {
    let metrics = daemon.admin("/metrics")?;
    let outcome = |name| sum(&metrics, "xdp_gateway_tls_packets_total", &[name]);
    let proxied = outcome("outcome=\"asked_proxy\"")?;
    ensure!(proxied == 0.0, "the proxy has some: {metrics}");
    outcome("outcome=\"asked\"")
}

/// Each of the names has its backend, by XDP.
fn all_lead(bed: &Bed, daemon: &Daemon) -> Result<()> {
    for name in ASKED {
        let before = asked(daemon)?;
        let report = ask(bed, &numbered(DOMAIN, name))?;
        all_came_to(&report, server(name / EACH), CONNECTIONS * 64)
            .with_context(|| format!("{name}: {}", daemon.log()))?;
        let asked = asked(daemon)? - before;
        // A SYN may have been sent twice.
        ensure!(asked >= CONNECTIONS as f64, "{name}: {asked}");
    }
    Ok(())
}

/// `flows` knows by which of all names a connection was found.
fn flows_have_names(bed: &Bed) -> Result<()> {
    let name = numbered(DOMAIN, ASKED[3]);
    let began = Instant::now();
    let rows = json(bed, &format!("flows --sni {name}"))?;
    measured(format_args!("flows among all names: {:?}", began.elapsed()));
    let rows = rows.as_array().context("no list")?;
    ensure!(rows.len() >= CONNECTIONS as usize, "{rows:?}");
    let is_own = |row: &Value| row["serverName"] == name.as_str();
    ensure!(rows.iter().all(is_own), "{rows:?}");
    let began = Instant::now();
    let trace = run(
        bed,
        &format!("trace tcp 10.77.0.2:7 10.77.0.100:443 --sni {name}"),
    )?;
    measured(format_args!(
        "a trace among all names: {:?}",
        began.elapsed()
    ));
    let entry = format!("tls_names: {name} leads to service");
    ensure!(trace.contains(&entry), "{trace}");
    Ok(())
}

#[test]
fn a_hundred_thousand_names_are_served_by_xdp() -> Result<()> {
    let bed = Bed::passthrough()?;
    for file in 0..ROUTES / PER_FILE {
        write(&bed, file, None)?;
    }
    let daemon = daemon(&bed, "the first start")?;
    all_lead(&bed, &daemon)?;
    flows_have_names(&bed)?;

    // One route is moved while connections of another go on.
    let crowd = format!(
        "crowd --to {}:443 --server-name {} --connections 20",
        GATEWAYS[0],
        numbered(DOMAIN, ASKED[1])
    );
    let mut crowd = bed.start("crowd", &crowd)?;
    crowd.goes_on(1)?;
    let moved = ASKED[2] / EACH;
    let (now, then) = (server(moved), SERVERS[((moved + 1) % 3) as usize]);
    write(&bed, moved / PER_FILE, Some((moved, then)))?;
    let leads = wait_until(PATIENCE, "the route leads to another backend", || {
        let report = ask(&bed, &numbered(DOMAIN, ASKED[2]))?;
        ensure!(report.failed == 0, "{report:?}");
        Ok(report.servers.contains_key(then))
    });
    measured(format_args!(
        "a route of {ROUTES} leads from {now} to {then} after {:?}",
        leads.map_err(|e| e.context(daemon.log()))?
    ));
    crowd.goes_on(1)?;
    let report: TcpReport = crowd.finish()?;
    all_came_to(&report, server(ASKED[1] / EACH), report.bytes_sent)?;

    // The next daemon finds it all as it is.
    daemon.kill()?;
    let report = ask(&bed, NAMES[0].0)?;
    all_came_to(&report, NAMES[0].1, CONNECTIONS * 64)?;
    write(&bed, moved / PER_FILE, None)?;
    let daemon = self::daemon(&bed, "another start")?;
    all_lead(&bed, &daemon)?;
    let status = daemon.status()?;
    ensure!(
        status["unserved"] == serde_json::json!([]),
        "{}",
        status["unserved"]
    );
    Ok(())
}
