//! Ten thousand connections at once.

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    measured::measured,
    report::TcpReport,
};

use super::carried;
use crate::{admin::sum, inspect::json};

const CONNECTIONS: u64 = 10_000;

#[test]
fn ten_thousand_connections_at_once() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    let crowd = format!("crowd --to {GATEWAY}:9000 --connections {CONNECTIONS} --interval-ms 500");
    let mut crowd = bed.start("crowd", &crowd)?;
    // All of them are open, and each has sent and received.
    crowd.goes_on(1)?;

    let flows = json(&bed, "flows --protocol tcp --port 9000")?;
    let flows = flows.as_array().context("no list")?.len() as u64;
    ensure!(flows == CONNECTIONS, "{flows} flows in the table");
    let by_backend = json(&bed, "flows --protocol tcp --port 9000 --by backend")?;
    crowd.goes_on(2)?;

    let report: TcpReport = crowd.finish()?;
    ensure!(
        report.failed == 0 && report.client_address_kept,
        "{report:?}"
    );
    // Three rounds at least.
    ensure!(report.bytes_back >= CONNECTIONS * 3 * 64, "{report:?}");
    report.expect_echoed(report.bytes_sent)?;
    for (server, address) in [
        ("echo-app1", "10.77.1.2:9000/tcp"),
        ("echo-app2", "10.77.2.2:9000/tcp"),
        ("echo-node", "10.77.0.1:9000/tcp"),
    ] {
        let rows = by_backend.as_array().context("no list")?;
        let row = rows.iter().find(|row| row["of"] == address);
        let listed = row.and_then(|row| row["flows"].as_u64());
        ensure!(
            listed.is_some() && listed == report.servers.get(server).copied(),
            "{by_backend} and {report:?}"
        );
    }
    let carried = carried(&bed, 9000)?;
    ensure!(carried.flows == CONNECTIONS, "{carried:?}");
    let metrics = daemon.admin("/metrics")?;
    let dropped = sum(&metrics, "xdp_gateway_l4_dropped_packets_total", &[])?;
    ensure!(dropped == 0.0, "{metrics}");
    measured(format_args!(
        "{CONNECTIONS} connections, {} bytes, in {} ms",
        report.bytes_back, report.milliseconds
    ));
    Ok(())
}
