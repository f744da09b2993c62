//! Large transfers, both ways at once.
//!
//! What packets look like depends on who computes checksums: with `tx on` a stack sends trains of
//! segments with half a checksum, also through the node. The client's end stands for a wire, where
//! there is neither.

use std::env;

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAYS, UPLINK},
    measured::measured,
};

use super::{NAMES, all_came_to, daemon};
use crate::checksums::checksum_errors;

const BYTES: u64 = 256 << 20;
/// Another number of bytes, for longer runs.
const BYTES_VARIABLE: &str = "XDP_GATEWAY_BULK_BYTES";

fn bytes() -> Result<u64> {
    match env::var(BYTES_VARIABLE) {
        Ok(text) => text.parse().context(BYTES_VARIABLE),
        Err(_) => Ok(BYTES),
    }
}

/// To one server, with checksums computed as this says (its host, the node).
fn transfer(bed: &Bed, (name, server): (&str, &str), tx: [&str; 2]) -> Result<()> {
    let bytes = bytes()?;
    let [host, uplink] = tx;
    bed.app1.run("ethtool", ["-K", "eth0", "tx", host])?;
    bed.node.run("ethtool", ["-K", UPLINK, "tx", uplink])?;
    for gateway in GATEWAYS {
        let ask = format!("--to {gateway}:443 --server-name {name} --bytes {bytes}");
        let report = bed.tcp(&ask)?;
        all_came_to(&report, server, bytes).with_context(|| format!("{ask}, tx {tx:?}"))?;
        measured(format_args!(
            "{server} at {gateway}, tx {tx:?}: {} MiB each way in {} ms",
            bytes >> 20,
            report.milliseconds
        ));
    }
    for namespace in [&bed.client, &bed.node, &bed.app1] {
        let errors = checksum_errors(namespace)?;
        ensure!(errors == [0, 0], "{}: {errors:?}", namespace.role());
    }
    Ok(())
}

#[test]
fn a_backend_on_another_host() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    for tx in [["off", "off"], ["on", "on"]] {
        transfer(&bed, NAMES[0], tx)?;
    }
    Ok(())
}

#[test]
fn a_backend_on_the_node() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    for uplink in ["off", "on"] {
        transfer(&bed, NAMES[1], ["on", uplink])?;
    }
    Ok(())
}
