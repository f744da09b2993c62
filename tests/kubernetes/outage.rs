//! The API server goes away and comes back; the data path stays.

use anyhow::{Result, ensure};
use gateway_tests::{bed::GATEWAY, measured::measured, report::HttpReport, wait::wait_until};

use super::bed::{Cluster, LIMIT, lines, wait_log};

const AWAY: &str = "cannot be watched";
const BACK: &str = "is watched again";

#[test]
fn serves_while_the_api_server_is_away_and_catches_up() -> Result<()> {
    let mut cluster = Cluster::with_demo()?;
    let daemon = cluster.daemon()?;
    let load = format!("http --to {GATEWAY}:80 --host shop.example.com --connections 2");
    let mut load = cluster.bed.start("load", &load)?;
    load.goes_on(200)?;

    cluster.api.stop()?;
    wait_log(&daemon, AWAY)?;
    // While it ends, it may still take connections and reset them.
    wait_until(LIMIT, "all that is told is that it refuses", || {
        let status = daemon.status()?;
        let troubles = status["source"]["troubles"].as_array();
        let [trouble] = troubles.map_or(&[][..], Vec::as_slice) else {
            return Ok(false);
        };
        let why = trouble["why"].as_str();
        Ok(why.is_some_and(|why| why.contains("refused")))
    })?;
    let failing = daemon.admin("/metrics")?;
    let failing = failing
        .lines()
        .find(|line| line.starts_with("xdp_gateway_watches_failing "));
    ensure!(
        failing.is_some_and(|line| !line.ends_with(" 0")),
        "{failing:?}"
    );
    load.goes_on(200)?;
    let tcp = format!("--to {GATEWAY}:9000 --count 30 --bytes 1000");
    let tcp = cluster.bed.tcp(&tcp)?;
    ensure!(tcp.failed == 0, "{tcp:?}");

    cluster.api.resume()?;
    cluster.set_backend("hello", "web-v2")?;
    let took = cluster.wait_version("hello", Some("v2"))?;
    measured(format!("a change after an outage arrived in {took:?}"));
    wait_log(&daemon, BACK)?;
    for words in [AWAY, BACK] {
        ensure!(lines(&daemon, words) == 1, "{words}: {}", daemon.log());
    }
    ensure!(lines(&daemon, "ERROR") == 0, "{}", daemon.log());
    load.goes_on(200)?;
    let report: HttpReport = load.finish()?;
    ensure!(report.failed == 0, "{report:?}");
    ensure!(report.statuses.keys().eq(&[200]), "{report:?}");
    Ok(())
}

/// Also one that starts while the API server is away leaves in force what the kernel has.
#[test]
fn a_restart_without_an_api_server_keeps_what_is_pinned() -> Result<()> {
    let mut cluster = Cluster::with_demo()?;
    let daemon = cluster.daemon()?;
    let transfer = format!("tcp --to {GATEWAY}:9000 --bytes 900000000 --rate 8000000");
    let mut transfer = cluster.bed.start("transfer", &transfer)?;
    transfer.goes_on(4_000_000)?;
    cluster.api.stop()?;
    daemon.kill()?;

    let mut daemon = cluster.start()?;
    wait_log(&daemon, AWAY)?;
    let status = daemon.status()?;
    let waiting = status["source"]["waitingFor"].as_array().map(Vec::len);
    ensure!(waiting.is_some_and(|kinds| kinds > 0), "{status}");
    ensure!(status["ready"] == false, "{status}");
    transfer.goes_on(4_000_000)?;
    let new = format!("--to {GATEWAY}:9000 --count 30 --bytes 1000");
    let new = cluster.bed.tcp(&new)?;
    ensure!(new.failed == 0, "{new:?}");

    cluster.api.resume()?;
    daemon.wait_ready()?;
    cluster.wait_version("hello", Some("v1"))?;
    transfer.goes_on(4_000_000)?;
    let status = daemon.status()?;
    ensure!(
        status["source"]["waitingFor"] == serde_json::json!([]),
        "{status}"
    );
    Ok(())
}
