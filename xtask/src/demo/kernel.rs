//! The TCP and UDP part of the demo: what XDP carries.

use anyhow::Result;
use gateway_tests::bed::{Bed, GATEWAY, NODE};

use super::row::{Row, counts, with_failures};

const CONNECTIONS: u64 = 60;
const BYTES: u64 = 100_000_000;
const QUERIES: u64 = 60;
/// Endpoints of the Services `echo` and `dns`: two hosts and the node itself.
const SERVERS: usize = 3;

pub(super) fn rows(bed: &Bed) -> Result<Vec<Row>> {
    Ok(vec![
        connections(bed)?,
        transfer(bed)?,
        queries(bed)?,
        ping(bed)?,
    ])
}

fn connections(bed: &Bed) -> Result<Row> {
    let report = bed.tcp(&format!("--to {GATEWAY}:9000 --count {CONNECTIONS}"))?;
    let right = report.failed == 0
        && report.servers.len() == SERVERS
        && report.servers.values().sum::<u64>() == CONNECTIONS
        && report.client_address_kept;
    let seen = with_failures(counts(&report.servers), report.failed, &report.errors);
    let seen = format!("{seen}; {}", address(report.client_address_kept));
    let sent = format!("{CONNECTIONS} TCP connections to port 9000");
    Ok(Row::new(
        &sent,
        "all three servers; client's address kept",
        seen,
        right,
    ))
}

fn transfer(bed: &Bed) -> Result<Row> {
    let report = bed.tcp(&format!("--to {GATEWAY}:9000 --bytes {BYTES}"))?;
    let equal = report.checksum_sent == report.checksum_back && report.bytes_back == BYTES;
    let seen = format!(
        "{} bytes back, checksum {:016x}",
        report.bytes_back, report.checksum_back
    );
    let seen = with_failures(seen, report.failed, &report.errors);
    let expected = format!("checksum {:016x}", report.checksum_sent);
    Ok(Row::new(
        "100 MB each way over one connection",
        &expected,
        seen,
        equal && report.failed == 0,
    ))
}

fn queries(bed: &Bed) -> Result<Row> {
    let report = bed.udp(&format!("--to {GATEWAY}:53 --count {QUERIES}"))?;
    let right = report.lost == 0
        && report.servers.len() == SERVERS
        && report.servers.values().sum::<u64>() == QUERIES
        && report.client_address_kept;
    let seen = with_failures(counts(&report.servers), report.lost, &report.errors);
    let seen = format!("{seen}; {}", address(report.client_address_kept));
    let sent = format!("{QUERIES} DNS queries to port 53");
    Ok(Row::new(
        &sent,
        "all three servers; client's address kept",
        seen,
        right,
    ))
}

fn ping(bed: &Bed) -> Result<Row> {
    let report = bed.ping(&format!("--to {NODE} --count 3"))?;
    let seen = format!("{} of {} answered", report.sent - report.lost, report.sent);
    let right = report.sent == 3 && report.lost == 0;
    Ok(Row::new(
        "3 pings to the node itself",
        "untouched: 3 of 3 answered",
        seen,
        right,
    ))
}

fn address(kept: bool) -> &'static str {
    if kept {
        "kept"
    } else {
        "client's address LOST"
    }
}
