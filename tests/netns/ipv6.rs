//! TCPRoutes and UDPRoutes over IPv6, beside IPv4.

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY, GATEWAY_V6},
    wait::wait_until,
};

use crate::tcp::LIMIT;

const BYTES: u64 = 20_000_000;

#[test]
fn tcp_and_udp_reach_every_endpoint_of_the_family() -> Result<()> {
    let bed = Bed::dual_stack()?;
    let _daemon = bed.daemon()?;
    for gateway in [GATEWAY.to_owned(), format!("[{GATEWAY_V6}]")] {
        let tcp = bed.tcp(&format!("--to {gateway}:9000 --count 100"))?;
        ensure!(tcp.failed == 0 && tcp.client_address_kept, "{tcp:?}");
        ensure!(tcp.servers.len() == 3, "{tcp:?}");
        let udp = bed.udp(&format!("--to {gateway}:53 --count 100"))?;
        ensure!(udp.lost == 0 && udp.client_address_kept, "{udp:?}");
        ensure!(udp.servers.len() == 3, "{udp:?}");
    }
    Ok(())
}

#[test]
fn many_bytes_arrive_as_they_were_sent() -> Result<()> {
    let bed = Bed::dual_stack()?;
    let _daemon = bed.daemon()?;
    // Over several connections: to other hosts and to the node itself.
    let report = bed.tcp(&format!(
        "--to [{GATEWAY_V6}]:9000 --bytes {BYTES} --count 6"
    ))?;
    report.expect_echoed(6 * BYTES)?;
    ensure!(report.servers.len() > 1, "{report:?}");
    Ok(())
}

#[test]
fn without_a_ready_endpoint_clients_are_refused() -> Result<()> {
    let bed = Bed::dual_stack()?;
    bed.config.remove("endpoints-v6.yaml")?;
    let _daemon = bed.daemon()?;
    let is_refused = |errors: &[String]| errors.first().is_some_and(|e| e.contains("refused"));
    wait_until(LIMIT, "a TCP client is refused", || {
        let report = bed.tcp(&format!("--to [{GATEWAY_V6}]:9000 --count 1"))?;
        ensure!(report.servers.is_empty(), "somebody answered: {report:?}");
        Ok(is_refused(&report.errors))
    })?;
    let report = bed.udp(&format!("--to [{GATEWAY_V6}]:53 --count 1"))?;
    ensure!(report.lost == 1 && is_refused(&report.errors), "{report:?}");
    Ok(())
}
