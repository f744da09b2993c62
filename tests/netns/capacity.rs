//! The flow table grows and shrinks under a thousand connections.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gateway_common::maps::{ABI_VERSION, FLOWS};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    daemon::Daemon,
    process::Process,
    programs::Programs,
    wait::wait_until,
};
use serde_json::Value;

use crate::{
    admin::sum,
    capture::{in_slots, pinned_for_slots},
    parameters,
    restart::{CONNECTIONS, Load},
    tcp::LIMIT,
};

/// Until other programs are in force: the verifier takes seconds for those of TLS passthrough.
const LOADED: Duration = Duration::from_secs(60);

/// Entries of the pinned flow table, as bpftool shows them.
fn entries(bed: &Bed, daemon: &Daemon) -> Result<u64> {
    let pin = daemon.pins().join(format!("v{ABI_VERSION}/maps/{FLOWS}"));
    let pin = pin.display().to_string();
    let said = bed
        .node
        .run("bpftool", ["-j", "map", "show", "pinned", &pin])?;
    let map: Value = serde_json::from_str(&said)?;
    map["max_entries"].as_u64().context("no size")
}

fn resize(bed: &Bed, daemon: &Daemon, flows: u64) -> Result<()> {
    parameters::ask(bed, &format!("{{l4: {{flows: {flows}}}}}"))?;
    wait_until(LOADED, "the flow table has that size", || {
        Ok(entries(bed, daemon)? == 2 * flows)
    })
    .map_err(|e| e.context(daemon.log()))
    .map(drop)
}

#[test]
fn a_thousand_connections_outlive_another_size_of_the_flow_table() -> Result<()> {
    let bed = Bed::passthrough()?;
    parameters::give(&bed, "{l4: {flows: 4096}}")?;
    let daemon = bed.daemon()?;
    ensure!(entries(&bed, &daemon)? == 8192, "{}", daemon.log());
    let mut load = Load::start(&bed)?;
    for flows in [300_000, 8_192] {
        resize(&bed, &daemon, flows)?;
        load.goes_on("another flow table")?;
        // Those of TLS passthrough look at it, too.
        let tail_called = in_slots(&bed)?;
        ensure!(tail_called == pinned_for_slots(&bed)?, "{tail_called:?}");
    }
    daemon.kill()?;
    let daemon = bed.daemon()?;
    ensure!(entries(&bed, &daemon)? == 16_384, "{}", daemon.log());
    load.goes_on("after a restart")?;
    load.end()?;
    let metrics = daemon.admin("/metrics")?;
    let opened = sum(&metrics, "xdp_gateway_l4_flows_opened_total", &[])?;
    ensure!(opened == CONNECTIONS as f64 + 1.0, "{metrics}");
    let dropped = sum(&metrics, "xdp_gateway_l4_dropped_packets_total", &[])?;
    ensure!(dropped == 0.0, "{metrics}");
    Ok(())
}

/// `flows --follow`, and the sweep that counts for the metrics.
#[test]
fn who_watches_the_flow_table_watches_the_one_that_takes_its_place() -> Result<()> {
    let bed = parameters::bed("{}")?;
    let daemon = bed.daemon()?;
    let pins = bed.net.pins().display().to_string();
    let follow = ["flows", "--follow", "--protocol", "tcp", "--pin-dir", &pins];
    let follower = Process::server(&bed.node, "follow", &Programs::get()?.gateway, follow)?;
    wait_until(LIMIT, "the table is followed", || {
        Ok(follower.log().contains("following:"))
    })?;
    resize(&bed, &daemon, 8_192)?;
    bed.tcp(&format!("--to {GATEWAY}:9000 --count 5"))?;
    wait_until(LIMIT, "the follower tells of five connections", || {
        let log = follower.log();
        Ok(log
            .lines()
            .filter(|line| line.starts_with("opened"))
            .count()
            == 5)
    })
    .with_context(|| follower.log())?;
    wait_until(LIMIT, "the metrics tell of them", || {
        let metrics = daemon.admin("/metrics")?;
        Ok(sum(&metrics, "xdp_gateway_l4_flows", &["tcp"])? == 5.0)
    })?;
    Ok(())
}

/// More than three quarters of the smaller table: it would evict what is in use.
#[test]
fn the_flow_table_does_not_shrink_below_what_is_open() -> Result<()> {
    let bed = parameters::bed("{l4: {flows: 100000}}")?;
    let daemon = bed.daemon()?;
    let crowd = format!("crowd --to {GATEWAY}:9000 --connections 4000");
    let mut crowd = bed.start("crowd", &crowd)?;
    crowd.goes_on(1)?;
    parameters::ask(&bed, "{l4: {flows: 4096}}")?;
    let why = "the flow table keeps its size of 100000 connections: more than 75 % of 4096 \
               connections are open";
    wait_until(LIMIT, "the status says why not", || {
        Ok(daemon.status_text()?.contains(why))
    })
    .map_err(|e| e.context(daemon.log()))?;
    ensure!(daemon.log().contains(why), "{}", daemon.log());
    ensure!(entries(&bed, &daemon)? == 200_000, "{}", daemon.log());
    crowd.goes_on(1)?;
    Ok(())
}
