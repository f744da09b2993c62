//! A ClientHello in every pair of segments, in any order: by a client that has a TCP of its own.

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAYS, UPLINK},
    measured::measured,
    report::SegmentsReport,
};

use super::{NAMES, daemon};

/// Addresses that no interface has. The client's kernel would reset what it knows nothing of.
const NOBODY: [&str; 2] = ["10.77.0.66", "2001:db8:77::66"];
/// A hello of 517 bytes with 16 more behind it: a place to cut at after each byte but the last.
const CUTS: u64 = 532;
const ORDERS: [&str; 4] = ["forward", "backward", "twice", "overlapping"];

/// The bed, where packets to [`NOBODY`] find the client.
pub(crate) fn bed() -> Result<Bed> {
    let bed = Bed::passthrough()?;
    let shown = bed.client.ip("-o link show eth0")?;
    let (_, link) = shown.split_once("link/ether ").context("no Ethernet")?;
    let link = link.split(' ').next().unwrap_or_default();
    for address in NOBODY {
        let known = format!("neigh replace {address} lladdr {link} dev {UPLINK} nud permanent");
        bed.node.ip(&known)?;
    }
    // The client checks every sum: nobody may leave one to a card.
    bed.node.run("ethtool", ["-K", UPLINK, "tx", "off"])?;
    Ok(bed)
}

/// Connections cut as the options say, all of which must come to this server.
pub(crate) fn segments(
    bed: &Bed,
    gateway: usize,
    server: &str,
    options: &str,
) -> Result<SegmentsReport> {
    let (to, from) = (GATEWAYS[gateway], NOBODY[gateway]);
    let ask = format!("segments --to {to}:443 --from {from} {options}");
    let report: SegmentsReport = bed.start("segments", &ask)?.report()?;
    ensure!(
        report.failed == 0 && report.wrong_sums == 0,
        "{ask}: {report:?}"
    );
    let came = report.servers.get(server).copied();
    ensure!(came == Some(report.connections), "{ask}: {report:?}");
    Ok(report)
}

#[test]
fn a_hello_cut_at_every_byte_arrives_in_any_order() -> Result<()> {
    let bed = bed()?;
    let _daemon = daemon(&bed)?;
    for gateway in [0, 1] {
        for order in ORDERS {
            let (name, server) = NAMES[0];
            let options = format!("--server-name {name} --order {order}");
            let report = segments(&bed, gateway, server, &options)?;
            ensure!(report.connections == CUTS, "{report:?}");
            measured(format_args!(
                "{order} to {}: {CUTS} connections, {} segments sent again",
                GATEWAYS[gateway], report.repeated
            ));
        }
    }
    Ok(())
}

/// Hellos that need two segments or more, and a server that is on the node.
#[test]
fn a_long_hello_in_pieces_arrives_in_any_order() -> Result<()> {
    let bed = bed()?;
    let _daemon = daemon(&bed)?;
    for gateway in [0, 1] {
        for (name, server) in NAMES {
            for order in ["forward", "backward", "twice", "overlapping", "shuffled"] {
                let options = format!(
                    "--server-name {name} --order {order} --hello-bytes 1900 --post-quantum \
                     --early 300 --step 97"
                );
                let report = segments(&bed, gateway, server, &options)?;
                ensure!(report.connections == 23, "{report:?}");
            }
            // The name is cut by the header of a record.
            let options = format!("--server-name {name} --order twice --record-bytes 50 --step 11");
            segments(&bed, gateway, server, &options)?;
        }
    }
    Ok(())
}
