//! An uplink that is deleted and made anew, as a restarted network does.

use anyhow::{Context, Result};
use gateway_tests::{
    bed::{Bed, GATEWAY, UPLINK},
    wait::wait_until,
};

use crate::tcp::LIMIT;

#[test]
fn an_uplink_that_comes_back_carries_traffic_again() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    bed.client.ip("link delete eth0")?;
    let shown_gone = || -> Result<bool> {
        let status = daemon.status()?;
        let rows = status["attachments"].as_array().context("no attachments")?;
        let mut rows = rows.iter().filter(|row| row["interface"] == UPLINK);
        Ok(rows.any(|row| row["note"].as_str().is_some_and(|n| n.contains("gone"))))
    };
    wait_until(LIMIT, "the status says that it is gone", shown_gone)?;
    bed.net.connect([
        (&bed.client, "eth0", "10.77.0.2/24"),
        (&bed.node, UPLINK, "10.77.0.1/24"),
    ])?;
    bed.client.ip("route add default via 10.77.0.1")?;
    wait_until(LIMIT, "connections get through again", || {
        let report = bed.tcp(&format!("--to {GATEWAY}:9000 --count 8"))?;
        Ok(report.failed == 0)
    })?;
    wait_until(LIMIT, "the status says so", || Ok(!shown_gone()?))?;
    Ok(())
}
