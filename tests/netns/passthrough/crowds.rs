//! Many connections: at once, one after the other, and among those that mean no good.

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAYS},
    measured::measured,
    report::{FloodReport, TcpReport},
};

use super::{NAMES, all_came_to, daemon};

const AT_ONCE: u64 = 2_000;
/// In each family.
const IN_TURN: u64 = 5_000;
const SYNS: u64 = 500_000;
const CLIENTS: u64 = 100;

#[test]
fn two_thousand_at_once() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    for (name, server) in NAMES {
        for gateway in GATEWAYS {
            let ask = format!(
                "crowd --to {gateway}:443 --server-name {name} --connections {AT_ONCE} --rounds 3"
            );
            let report: TcpReport = bed.start("crowd", &ask)?.report()?;
            all_came_to(&report, server, AT_ONCE * 64 * 3).context(ask)?;
        }
    }
    Ok(())
}

#[test]
fn ten_thousand_in_turn() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    for gateway in GATEWAYS {
        let ask = format!("--to {gateway}:443 --server-name split.pass.example --count {IN_TURN}");
        let report = bed.tcp(&ask)?;
        report.expect_echoed(IN_TURN * 64)?;
        ensure!(report.servers.len() == 2, "{report:?}");
        measured(format_args!(
            "{IN_TURN} connections to {gateway} in {} ms",
            report.milliseconds
        ));
    }
    Ok(())
}

/// SYNs that nobody goes on with take no room from those that mean it.
#[test]
fn clients_connect_during_a_flood_of_syns() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    let (name, server) = NAMES[0];
    for (index, gateway) in GATEWAYS.iter().enumerate() {
        let flood = format!("flood --to {gateway}:443 --count {SYNS}");
        let mut flood = bed.start(&format!("flood-{index}"), &flood)?;
        flood.goes_on(20_000)?;
        let ask = format!(
            "crowd --to {gateway}:443 --server-name {name} --connections {CLIENTS} --rounds 1"
        );
        let mut connected = 0;
        while flood.progress() < SYNS {
            let report: TcpReport = bed.start("crowd", &ask)?.report()?;
            all_came_to(&report, server, CLIENTS * 64)?;
            connected += CLIENTS;
        }
        let flood: FloodReport = flood.report()?;
        ensure!(flood.sent == SYNS && connected > 0, "{flood:?}");
        measured(format_args!(
            "{connected} clients connected to {gateway} during {SYNS} SYNs"
        ));
    }
    Ok(())
}
