//! Backends that leave: connections go on until they end or their time is over.

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    daemon::Daemon,
    process::Process,
    report::TcpReport,
    wait::wait_until,
};
use serde_json::Value;

use crate::{
    parameters::{ask, bed},
    tcp::{LIMIT, send_all_to},
};

/// Slow enough that it lasts as long as the test, whatever it does.
const BYTES: u64 = 200_000_000;
const RATE: u64 = 4_000_000;

/// The reference of the listener `echo`, and the same without new connections.
const SERVES: &str = "        - name: only\n          port: 9000";
const DRAINS: &str = "        - name: only\n          port: 9000\n          weight: 0";

fn connection(bed: &Bed) -> Result<Process> {
    let to = format!("tcp --to {GATEWAY}:9000 --bytes {BYTES} --rate {RATE}");
    let mut process = bed.start("long", &to)?;
    process.goes_on(1_000_000)?;
    Ok(process)
}

/// Rows of `maps` about the backend at this address.
fn rows(bed: &Bed, daemon: &Daemon, address: &str) -> Result<Vec<Value>> {
    let pins = daemon.pins().display().to_string();
    let program = &gateway_tests::programs::Programs::get()?.gateway;
    let said = bed
        .node
        .run(program, ["maps", "--pin-dir", &pins, "--output", "json"])?;
    let maps: Value = serde_json::from_str(&said)?;
    let rows = maps["backends"].as_array().cloned().unwrap_or_default();
    let is = |row: &Value| row["address"] == *address;
    Ok(rows.into_iter().filter(is).collect())
}

fn metric(daemon: &Daemon, name: &str) -> Result<Option<u64>> {
    let text = daemon.admin("/metrics")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    Ok(line.and_then(|value| value.trim().parse().ok()))
}

/// Weight 0: the connection goes on, and new ones are refused. Then its time is over.
#[test]
fn a_connection_outlives_its_backends_weight_until_the_deadline() -> Result<()> {
    let bed = bed("{l4: {drainTimeout: 24h}}")?;
    let daemon = bed.daemon()?;
    send_all_to(&bed, &["10.77.2.2"], "echo-app2")?;
    let mut long = connection(&bed)?;
    bed.config.replace("tcp.yaml", SERVES, DRAINS)?;
    wait_until(LIMIT, "the backend drains", || {
        let rows = rows(&bed, &daemon, "10.77.2.2:9000")?;
        Ok(rows.iter().any(|row| row["draining"] == true))
    })?;
    long.goes_on(2_000_000)?;
    let new = bed.tcp(&format!("--to {GATEWAY}:9000 --count 1"))?;
    ensure!(new.servers.is_empty(), "{new:?}");
    wait_until(LIMIT, "a metric tells of the flow", || {
        Ok(metric(&daemon, "xdp_gateway_l4_flows_draining ")? == Some(1))
    })?;
    long.goes_on(1_000_000)?;
    // The deadline may be moved while it runs.
    ask(&bed, "{l4: {drainTimeout: 1s}}")?;
    wait_until(LIMIT, "the flow has had its time", || {
        let drained = metric(&daemon, "xdp_gateway_l4_flows_drained_total ")?;
        Ok(drained == Some(1))
    })?;
    let report: TcpReport = long.finish()?;
    ensure!(report.failed == 1, "it went on: {report:?}");
    ensure!(report.bytes_back > 0, "{report:?}");
    Ok(())
}
