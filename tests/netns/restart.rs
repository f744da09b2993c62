//! The data path outlives the daemon.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use gateway_common::maps::{ABI_VERSION, ORIGINS};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    measured::measured,
    process::Process,
    report::{TcpReport, UdpReport},
    wait::wait_until,
};

use super::{admin::sum, inspect::json};

/// A backend of the TCPRoute, in `/config`.
const BACKEND: &str = "10.77.1.2 port 9000";
const LIMIT: Duration = Duration::from_secs(10);
/// Enough for the time that two daemons take to load their programs.
const BYTES: u64 = 480_000_000;
const RATE: u64 = 12_000_000;
const STEP: u64 = 10_000_000;
pub(crate) const CONNECTIONS: u64 = 1_000;

#[test]
fn kill_9_and_take_over_lose_nothing() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    let transfer = format!("tcp --to {GATEWAY}:9000 --bytes {BYTES} --rate {RATE}");
    let mut transfer = bed.start("transfer", &transfer)?;
    // A new flow for each query, before, during and after.
    let queries = bed.start("queries", &format!("udp --to {GATEWAY}:53"))?;
    transfer.goes_on(STEP)?;

    daemon.kill()?;
    transfer.goes_on(STEP)?;
    let new = bed.tcp(&format!("--to {GATEWAY}:9000 --count 30 --bytes 10000"))?;
    ensure!(
        new.failed == 0 && new.servers.len() == 3,
        "without a daemon: {new:?}"
    );

    let daemon = bed.daemon()?;
    transfer.goes_on(STEP)?;
    let new = bed.tcp(&format!("--to {GATEWAY}:9000 --count 30"))?;
    ensure!(
        new.failed == 0 && new.servers.len() == 3,
        "after take-over: {new:?}"
    );
    let http = bed.http(&format!(
        "--to {GATEWAY}:80 --host hello.example.com --count 10"
    ))?;
    ensure!(
        http.versions.get("v1") == Some(&10),
        "after take-over: {http:?}"
    );

    let queries: UdpReport = queries.finish()?;
    ensure!(
        queries.lost == 0,
        "{} of {}: {:?}",
        queries.lost,
        queries.sent,
        queries.errors
    );
    ensure!(
        queries.sent > 100 && queries.client_address_kept,
        "{queries:?}"
    );
    let transfer: TcpReport = transfer.report()?;
    transfer.expect_echoed(BYTES)?;
    measured(format_args!("{} UDP flows, none lost", queries.sent));
    drop(daemon);
    Ok(())
}

/// As an upgrade finds it.
#[test]
fn a_map_that_the_version_before_did_not_have_is_added_under_traffic() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    let mut load = Load::start(&bed)?;
    let pin = daemon.pins().join(format!("v{ABI_VERSION}/maps/{ORIGINS}"));
    daemon.kill()?;
    fs::remove_file(&pin)?;
    let daemon = bed.daemon()?;
    load.goes_on("after the upgrade")?;
    let new = bed.tcp(&format!("--to {GATEWAY}:9000 --count 30"))?;
    ensure!(new.failed == 0 && new.servers.len() == 3, "{new:?}");
    let pin = pin.display().to_string();
    let dump = bed
        .node
        .run("bpftool", ["-j", "map", "dump", "pinned", &pin])?;
    ensure!(dump.contains("\"shared\""), "{dump}");
    load.end()?;
    drop(daemon);
    Ok(())
}

/// Every packet finds the flow that the first one opened, whoever changes what meanwhile.
#[test]
fn a_thousand_connections_outlive_reload_kill_9_and_take_over() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    let mut load = Load::start(&bed)?;

    reload(&bed, "[10.77.2.2]", "[10.77.2.9]")?;
    load.goes_on("a backend has left")?;
    reload(&bed, "[10.77.2.9]", "[10.77.2.2]")?;
    load.goes_on("it is back")?;
    daemon.kill()?;
    load.goes_on("without a daemon")?;
    let daemon = bed.daemon()?;
    load.goes_on("after take-over")?;
    reload(&bed, "[10.77.2.2]", "[10.77.2.9]")?;
    load.goes_on("a backend has left again")?;

    let (crowd, stream) = load.end()?;
    let metrics = daemon.admin("/metrics")?;
    let opened = sum(&metrics, "xdp_gateway_l4_flows_opened_total", &[])?;
    ensure!(opened == CONNECTIONS as f64 + 1.0, "{metrics}");
    let dropped = sum(&metrics, "xdp_gateway_l4_dropped_packets_total", &[])?;
    ensure!(dropped == 0.0, "{metrics}");
    measured(format_args!(
        "{CONNECTIONS} connections with {} bytes and {} datagrams, none lost",
        crowd.bytes_back, stream.sent
    ));
    Ok(())
}

/// Connections that all send and receive, and a stream of datagrams.
pub(crate) struct Load {
    crowd: Process,
    stream: Process,
}

impl Load {
    /// Returns when all connections are open.
    pub(crate) fn start(bed: &Bed) -> Result<Self> {
        let crowd = format!("crowd --to {GATEWAY}:9000 --connections {CONNECTIONS}");
        let stream = format!("udp --to {GATEWAY}:53 --one-socket");
        let mut load = Self {
            crowd: bed.start("crowd", &crowd)?,
            stream: bed.start("stream", &stream)?,
        };
        load.goes_on("before")?;
        Ok(load)
    }

    pub(crate) fn goes_on(&mut self, when: &str) -> Result<()> {
        // The second round begins now.
        self.crowd.goes_on(2).context(when.to_owned())?;
        self.stream.goes_on(20).context(when.to_owned())
    }

    /// Nothing was lost.
    pub(crate) fn end(self) -> Result<(TcpReport, UdpReport)> {
        let crowd: TcpReport = self.crowd.finish()?;
        crowd.expect_echoed(crowd.bytes_sent)?;
        ensure!(
            crowd.connections == CONNECTIONS && crowd.client_address_kept,
            "{crowd:?}"
        );
        ensure!(crowd.servers.len() == 3, "{crowd:?}");
        let stream: UdpReport = self.stream.finish()?;
        ensure!(stream.lost == 0 && stream.servers.len() == 1, "{stream:?}");
        Ok((crowd, stream))
    }
}

/// Replaces endpoints of the TCPRoute and waits until the kernel has it.
fn reload(bed: &Bed, old: &str, new: &str) -> Result<()> {
    let file = "services.yaml";
    let text = fs::read_to_string(bed.config.dir().join(file))?;
    let (before, echo) = text.split_once("name: echo-1").context("no slice")?;
    let (echo, after) = echo.split_once("---").context("no other slice")?;
    ensure!(echo.contains(old), "{echo}");
    let echo = echo.replace(old, new);
    bed.config
        .write(file, &format!("{before}name: echo-1{echo}---{after}"))?;
    let wanted = format!("\"{}:9000\"", new.trim_matches(['[', ']']));
    wait_until(LIMIT, "the change is in the maps", || {
        Ok(json(bed, "maps")?.to_string().contains(&wanted))
    })?;
    Ok(())
}

/// What changed while no daemon ran is in force after the next start, without a restart of flows.
#[test]
fn a_change_made_while_no_daemon_ran_is_taken_up() -> Result<()> {
    let bed = Bed::new()?;
    bed.daemon()?.kill()?;
    bed.config.remove("http-simple.yaml")?;
    bed.config
        .replace("services.yaml", "[10.77.0.1]", "[10.77.2.2]")?;
    let _daemon = bed.daemon()?;
    let http = bed.http(&format!(
        "--to {GATEWAY}:80 --host hello.example.com --count 1"
    ))?;
    ensure!(http.statuses.get(&404) == Some(&1), "{http:?}");
    let tcp = bed.tcp(&format!("--to {GATEWAY}:9000 --count 60"))?;
    ensure!(
        tcp.failed == 0 && !tcp.servers.contains_key("echo-node"),
        "{tcp:?}"
    );
    Ok(())
}

/// A file that is broken since the start may be the one that the kernel's TCP listener comes from:
/// it goes on, whatever changes beside it, and the status says why nothing is removed.
#[test]
fn a_file_broken_since_the_start_holds_removals_back_and_the_status_tells() -> Result<()> {
    let bed = Bed::new()?;
    bed.daemon()?.kill()?;
    bed.config.replace("tcp.yaml", "port: 9000", "port: nine")?;
    let daemon = bed.daemon()?;
    let held_back = || anyhow::Ok(daemon.status()?["removalsHeldBack"] == true);
    ensure!(held_back()?, "{}", daemon.log());
    // A change elsewhere, after the daemon was ready once.
    bed.config.remove("http-simple.yaml")?;
    let ask = format!("--to {GATEWAY}:80 --host hello.example.com --count 1");
    wait_until(LIMIT, "the change is in force", || {
        Ok(bed.http(&ask)?.statuses.contains_key(&404))
    })?;
    let tcp = bed.tcp(&format!("--to {GATEWAY}:9000 --count 20"))?;
    ensure!(tcp.failed == 0, "{tcp:?}");
    ensure!(daemon.admin("/config")?.contains(BACKEND));
    ensure!(held_back()?, "{}", daemon.log());

    bed.config.remove("tcp.yaml")?;
    wait_until(LIMIT, "removals are made up for", || {
        Ok(!held_back()? && !daemon.admin("/config")?.contains(BACKEND))
    })?;
    Ok(())
}
