//! UDPRoutes, through XDP.

use anyhow::{Result, ensure};
use gateway_tests::bed::{Bed, GATEWAY};

#[test]
fn queries_spread_and_none_is_lost() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    let report = bed.udp(&format!("--to {GATEWAY}:53 --count 150"))?;
    ensure!(report.lost == 0, "{report:?}");
    ensure!(
        report.servers.len() == 3,
        "not all servers were asked: {report:?}"
    );
    ensure!(report.client_address_kept, "{report:?}");
    Ok(())
}

#[test]
fn a_flow_stays_with_its_server() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    let report = bed.udp(&format!("--to {GATEWAY}:53 --count 100 --one-socket"))?;
    ensure!(report.lost == 0 && report.servers.len() == 1, "{report:?}");
    Ok(())
}
