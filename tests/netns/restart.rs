//! The data path outlives the daemon.

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    measured::measured,
    report::{TcpReport, UdpReport},
};

use super::reload::goes_on;

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
    goes_on(&mut transfer, STEP)?;

    daemon.kill()?;
    goes_on(&mut transfer, STEP)?;
    let new = bed.tcp(&format!("--to {GATEWAY}:9000 --count 30 --bytes 10000"))?;
    ensure!(
        new.failed == 0 && new.servers.len() == 3,
        "without a daemon: {new:?}"
    );

    let daemon = bed.daemon()?;
    goes_on(&mut transfer, STEP)?;
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
    ensure!(
        transfer.failed == 0 && transfer.bytes_back == BYTES,
        "{transfer:?}"
    );
    ensure!(
        transfer.checksum_sent == transfer.checksum_back,
        "{transfer:?}"
    );
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
