//! TCPRoutes, through XDP.

use std::time::Duration;

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Backends, Bed, GATEWAY, NODE},
    measured::measured,
    wait::wait_until,
};

const BYTES: u64 = 100_000_000;
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Sends the listener `echo` to one server alone, at these addresses, and waits until it arrives there.
pub(crate) fn send_all_to(bed: &Bed, addresses: &[&str], server: &str) -> Result<Duration> {
    let only = Backends {
        name: "only",
        port: ("echo", "TCP", 9000),
        target: 9000,
        addresses,
        node: "",
    };
    bed.config.write("only.yaml", &only.manifest())?;
    let reference = "        - name: echo\n          port: 9000";
    bed.config.replace(
        "tcp.yaml",
        reference,
        "        - name: only\n          port: 9000",
    )?;
    wait_until(LIMIT, &format!("connections go to {server} alone"), || {
        let report = bed.tcp(&format!("--to {GATEWAY}:9000 --count 8"))?;
        ensure!(
            report.failed == 0,
            "a connection failed during the change: {report:?}"
        );
        Ok(report.servers.get(server) == Some(&8))
    })
}

fn transfer(bed: &Bed) -> Result<()> {
    let report = bed.tcp(&format!("--to {GATEWAY}:9000 --bytes {BYTES}"))?;
    report.expect_echoed(BYTES)?;
    ensure!(
        report.client_address_kept,
        "the backend saw another client: {report:?}"
    );
    measured(format_args!(
        "100 MB each way in {} ms",
        report.milliseconds
    ));
    Ok(())
}

#[test]
fn a_hundred_megabytes_to_another_host_and_back() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    send_all_to(&bed, &["10.77.2.2"], "echo-app2")?;
    transfer(&bed)
}

#[test]
fn a_hundred_megabytes_to_the_node_itself_and_back() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    send_all_to(&bed, &[NODE], "echo-node")?;
    transfer(&bed)
}

#[test]
fn connections_spread_over_all_endpoints() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    let report = bed.tcp(&format!("--to {GATEWAY}:9000 --count 300"))?;
    ensure!(
        report.failed == 0 && report.client_address_kept,
        "{report:?}"
    );
    ensure!(report.servers.len() == 3, "{report:?}");
    // A third of 300, and 5 standard deviations to each side.
    ensure!(
        report.servers.values().all(|n| (59..=141).contains(n)),
        "{report:?}"
    );
    Ok(())
}
