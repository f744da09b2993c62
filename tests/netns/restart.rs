//! The data path outlives the daemon.

use std::time::Duration;

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    measured::measured,
    report::{TcpReport, UdpReport},
    wait::wait_until,
};

/// A backend of the TCPRoute, in `/config`.
const BACKEND: &str = "10.77.1.2 port 9000";
const LIMIT: Duration = Duration::from_secs(10);
const BYTES: u64 = 120_000_000;
const RATE: u64 = 12_000_000;
const STEP: u64 = 10_000_000;

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
