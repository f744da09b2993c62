//! iperf3: TCP and UDP, both families, both ways.

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY, GATEWAY_V6},
    measured::measured,
    net::Namespace,
    process::Process,
};
use serde_json::Value;

use super::{Carried, Exposed, carried, says};

const PORT: u16 = 5201;
const BYTES: u64 = 200_000_000;
/// What may be under way when iperf3 ends a test of TCP: it waits for no acknowledgement. Bounded
/// by the buffers of both ends, see `--window` below.
const UNDER_WAY: u64 = 4_000_000;
const DATAGRAMS: u64 = 4_000;
const DATAGRAM: u64 = 1_200;

#[test]
fn iperf3_of_both_protocols_over_both_families_both_ways() -> Result<()> {
    let bed = Bed::dual_stack()?;
    Exposed {
        name: "iperf",
        port: PORT,
        // It negotiates over TCP where it measures UDP.
        protocols: &["TCP", "UDP"],
        v4: &["10.77.1.2"],
        v6: &["2001:db8:78::2"],
    }
    .add_to(&bed)?;
    let mut server = Process::server(&bed.app1, "iperf3", "iperf3", ["--server", "--forceflush"])?;
    says(&mut server, "Server listening")?;
    let _daemon = bed.daemon()?;
    for gateway in [GATEWAY, GATEWAY_V6] {
        for way in [Way::There, Way::Back] {
            let place = || format!("{gateway}, {way:?}");
            transfer(&bed, gateway, way).with_context(place)?;
            datagrams(&bed, gateway, way).with_context(place)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

fn transfer(bed: &Bed, gateway: &str, way: Way) -> Result<()> {
    let (end, carried) = run(bed, gateway, way, &format!("--bytes {BYTES} --window 512K"))?;
    let received = number(&end["sum_received"]["bytes"])?;
    ensure!(number(&end["sum_sent"]["bytes"])? >= BYTES, "{end}");
    ensure!(received >= BYTES - UNDER_WAY, "{received} bytes: {end}");
    let through = match way {
        Way::There => carried.request_bytes,
        Way::Back => carried.reply_bytes,
    };
    ensure!(through > received, "of {received}: {carried:?}");
    // Of control, and of data.
    ensure!(carried.flows == 2, "{carried:?}");
    let rate = &end["sum_received"]["bits_per_second"];
    measured(format_args!(
        "iperf3 TCP, {gateway}, {way:?}: {rate:.0} bit/s"
    ));
    Ok(())
}

/// What iperf3 misses was lost by the receiver's socket and nowhere else.
fn datagrams(bed: &Bed, gateway: &str, way: Way) -> Result<()> {
    let receiver = match way {
        Way::There => &bed.app1,
        Way::Back => &bed.client,
    };
    let before = overflows(receiver)?;
    let bytes = DATAGRAMS * DATAGRAM;
    let options = format!("--udp --bitrate 30M --length {DATAGRAM} --bytes {bytes}");
    let (end, carried) = run(bed, gateway, way, &options)?;
    let overflows = overflows(receiver)? - before;
    let lost = number(&end["sum"]["lost_packets"])?;
    ensure!(number(&end["sum"]["packets"])? >= DATAGRAMS, "{end}");
    ensure!(
        lost <= overflows,
        "{lost} of which {overflows} at the end: {end}"
    );
    let through = match way {
        Way::There => carried.request_packets,
        Way::Back => carried.reply_packets,
    };
    ensure!(through > DATAGRAMS, "{carried:?}");
    ensure!(carried.flows == 2, "{carried:?}");
    Ok(())
}

/// A whole test; its figures, and what XDP carried meanwhile.
fn run(bed: &Bed, gateway: &str, way: Way, options: &str) -> Result<(Value, Carried)> {
    let before = carried(bed, PORT)?;
    let mut arguments = format!("--client {gateway} --port {PORT} --json {options}");
    if way == Way::Back {
        arguments += " --reverse";
    }
    // What went wrong is in what it prints.
    let client = Process::client(&bed.client, "iperf3", "iperf3", arguments.split(' '))?;
    let report: Value = client.report()?;
    ensure!(report["error"].is_null(), "{}", report["error"]);
    let after = carried(bed, PORT)?;
    let during = Carried {
        flows: after.flows - before.flows,
        backends: after.backends,
        request_packets: after.request_packets - before.request_packets,
        request_bytes: after.request_bytes - before.request_bytes,
        reply_packets: after.reply_packets - before.reply_packets,
        reply_bytes: after.reply_bytes - before.reply_bytes,
    };
    Ok((report["end"].clone(), during))
}

/// Datagrams that found a socket's buffer full.
fn overflows(namespace: &Namespace) -> Result<u64> {
    let text = namespace.run("cat", ["/proc/net/snmp", "/proc/net/snmp6"])?;
    let mut udp = text.lines().filter(|line| line.starts_with("Udp:"));
    let (names, values) = (udp.next().context("no Udp")?, udp.next().context("no Udp")?);
    let at = names.split(' ').position(|name| name == "RcvbufErrors");
    let v4 = values.split(' ').nth(at.context("no RcvbufErrors")?);
    let v6 = text
        .lines()
        .find_map(|line| line.strip_prefix("Udp6RcvbufErrors"));
    let parse = |number: Option<&str>| {
        number
            .context("no number")?
            .trim()
            .parse::<u64>()
            .context("no number")
    };
    Ok(parse(v4)? + parse(v6)?)
}

fn number(value: &Value) -> Result<u64> {
    value.as_u64().context("no number in iperf3's report")
}
