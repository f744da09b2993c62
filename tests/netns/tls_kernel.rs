//! TLS passthrough in the kernel: what no proxy gives, and that no proxy has a part in it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gateway_common::{
    maps::{ABI_VERSION, HELLOS, SPLICES, TLS_OUTCOMES},
    splice::{Outcome, state::COLLECT_TIME},
};
use gateway_tests::{
    bed::{Bed, GATEWAYS},
    measured::measured,
    peer::hello::Opening,
    process::Process,
    report::{FloodReport, TcpReport},
    wait::wait_until,
};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::{
    admin::sum,
    passthrough::{NAMES, all_came_to, block_on, connect, daemon, hellos},
    tcp::LIMIT,
};

const CONNECTIONS: u64 = 1_000;
const BYTES: u64 = 32 << 20;
/// Where [`NAMES`] lead to, in each family.
const BACKENDS: [&str; 4] = [
    "10.77.1.2:9443",
    "10.77.0.1:9443",
    "[2001:db8:78::2]:9443",
    "[2001:db8:77::1]:9443",
];
const SYNS: u64 = 100_000;
/// Longer than a hello may take, and the sweeps' pause.
const SWEPT: Duration = Duration::from_secs(COLLECT_TIME as u64 + 30);

/// Packets by what became of them.
pub(crate) struct Outcomes(Vec<u64>);

impl Outcomes {
    pub(crate) fn read(bed: &Bed) -> Result<Self> {
        let rows = dump(bed, TLS_OUTCOMES)?;
        let packets = |row: &Value| {
            let cpus = row["formatted"]["values"].as_array()?;
            let of = |cpu: &Value| cpu["value"]["packets"].as_u64();
            cpus.iter().map(of).sum::<Option<u64>>()
        };
        let all = rows.iter().map(packets).collect::<Option<Vec<_>>>();
        let all = all.with_context(|| format!("not as expected: {rows:?}"))?;
        ensure!(all.len() == Outcome::ALL.len(), "{} outcomes", all.len());
        Ok(Self(all))
    }

    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize]
    }

    /// What has been counted since.
    pub(crate) fn since(&self, bed: &Bed) -> Result<Self> {
        let now = Self::read(bed)?;
        let differences = now.0.iter().zip(&self.0).map(|(now, then)| now - then);
        Ok(Self(differences.collect()))
    }
}

/// Entries of a pinned map.
pub(crate) fn dump(bed: &Bed, map: &str) -> Result<Vec<Value>> {
    let pin = bed.net.pins().join(format!("v{ABI_VERSION}/maps/{map}"));
    let pin = pin.display().to_string();
    let said = bed
        .node
        .run("bpftool", ["-j", "map", "dump", "pinned", &pin])?;
    serde_json::from_str(&said).with_context(|| said)
}

/// What is asked of the bed's gateway, as `peer` has it, went through the kernel alone.
pub(crate) fn spliced(bed: &Bed, ask: &str) -> Result<TcpReport> {
    let before = Outcomes::read(bed)?;
    let report: TcpReport = bed.start("spliced", ask)?.report()?;
    let outcomes = before.since(bed)?;
    report.expect_echoed(report.bytes_sent)?;
    ensure!(report.client_address_kept, "another client: {report:?}");
    for outcome in [Outcome::Accepted, Outcome::Asked, Outcome::ToClient] {
        let packets = outcomes.of(outcome);
        let all = packets >= report.connections;
        ensure!(all, "{outcome:?}: {packets} for {report:?}");
    }
    for outcome in [Outcome::NoCookie, Outcome::Full, Outcome::Local] {
        let packets = outcomes.of(outcome);
        ensure!(packets == 0, "{outcome:?}: {packets} for {report:?}");
    }
    Ok(report)
}

#[test]
fn backends_see_the_client_and_the_kernel_carries_every_byte() -> Result<()> {
    let bed = Bed::passthrough()?;
    let daemon = daemon(&bed)?;
    for gateway in GATEWAYS {
        for (name, server) in NAMES {
            let ask = format!("tcp --to {gateway}:443 --server-name {name} --count 20");
            all_came_to(&spliced(&bed, &ask)?, server, 20 * 64)?;
            let long = format!("{ask} --hello-bytes 1900 --post-quantum");
            all_came_to(&spliced(&bed, &long)?, server, 20 * 64)?;
            let before = Outcomes::read(&bed)?;
            let bulk = format!("tcp --to {gateway}:443 --server-name {name} --bytes {BYTES}");
            all_came_to(&spliced(&bed, &bulk)?, server, BYTES)?;
            let carried = before.since(&bed)?;
            // The client's own stack sends nothing longer than a frame.
            let packets = carried.of(Outcome::ToBackend);
            ensure!(packets > BYTES / 1_500, "{packets} packets to the backend");
            ensure!(carried.of(Outcome::ToClient) > 100, "none to the client");
        }
    }
    // Each backend has its own of it.
    let metrics = daemon.admin("/metrics")?;
    for backend in BACKENDS {
        for direction in ["request", "reply"] {
            let labels = ["listener=\"through\"", backend, direction];
            let of = |name: &str| sum(&metrics, &format!("xdp_gateway_l4_backend_{name}"), &labels);
            let (bytes, packets) = (of("bytes_total")?, of("packets_total")?);
            let all = bytes >= BYTES as f64 && packets > BYTES as f64 / 65_536.0;
            ensure!(all, "{bytes} bytes, {packets} packets: {labels:?}");
        }
    }
    Ok(())
}

#[test]
fn backends_see_the_client_however_its_hello_is_cut() -> Result<()> {
    let bed = hellos::bed()?;
    let _daemon = daemon(&bed)?;
    for gateway in [0, 1] {
        for (name, server) in NAMES {
            for order in ["forward", "backward", "twice", "overlapping", "shuffled"] {
                let options = format!("--server-name {name} --order {order} --step 17");
                let report = hellos::segments(&bed, gateway, server, &options)?;
                ensure!(report.client_address_kept, "{report:?}");
            }
        }
    }
    Ok(())
}

/// The node's own stack is one backend more.
#[test]
fn what_no_route_has_goes_to_the_proxy() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    for gateway in GATEWAYS {
        let before = Outcomes::read(&bed)?;
        let report = bed.tcp(&format!(
            "--to {gateway}:443 --server-name nobody.pass.example --count 10"
        ))?;
        ensure!(report.failed == 10, "{report:?}");
        let outcomes = before.since(&bed)?;
        let asked = outcomes.of(Outcome::AskedProxy);
        ensure!(asked >= 10, "{asked} SYNs for the proxy");
    }
    Ok(())
}

/// Nobody is asked anything in user space: not for what is open, nor for what is new.
#[test]
fn a_thousand_connections_outlive_kill_9_and_take_over() -> Result<()> {
    let bed = Bed::passthrough()?;
    let old = daemon(&bed)?;
    let mut crowds = Vec::new();
    for (index, gateway) in GATEWAYS.iter().enumerate() {
        let ask = format!(
            "crowd --to {gateway}:443 --server-name split.pass.example --connections {}",
            CONNECTIONS / 2
        );
        crowds.push(bed.start(&format!("crowd-{index}"), &ask)?);
    }
    let go_on = |crowds: &mut Vec<Process>| crowds.iter_mut().try_for_each(|c| c.goes_on(2));
    go_on(&mut crowds)?;
    old.kill()?;
    go_on(&mut crowds).context("without a daemon")?;
    for gateway in GATEWAYS {
        for (name, server) in NAMES {
            let ask = format!("tcp --to {gateway}:443 --server-name {name} --count 30");
            let report = spliced(&bed, &ask).context("without a daemon")?;
            all_came_to(&report, server, 30 * 64)?;
        }
    }
    let _new = daemon(&bed)?;
    go_on(&mut crowds).context("after take-over")?;
    for crowd in crowds {
        let report: TcpReport = crowd.finish()?;
        report.expect_echoed(report.bytes_sent)?;
        ensure!(report.client_address_kept, "{report:?}");
        measured(format_args!(
            "{} connections with {} bytes, none lost",
            report.connections, report.bytes_back
        ));
    }
    Ok(())
}

#[test]
fn a_flood_of_syns_takes_no_room() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    let before = Outcomes::read(&bed)?;
    let open = dump(&bed, SPLICES)?.len();
    for (index, gateway) in GATEWAYS.iter().enumerate() {
        let flood = format!("flood --to {gateway}:443 --count {SYNS}");
        let flood: FloodReport = bed.start(&format!("flood-{index}"), &flood)?.report()?;
        ensure!(flood.sent == SYNS, "{flood:?}");
    }
    let now = dump(&bed, SPLICES)?.len();
    ensure!(now <= open, "{now} connections, {open} before");
    ensure!(dump(&bed, HELLOS)?.is_empty(), "hellos of nobody");
    let answered = before.since(&bed)?.of(Outcome::Accepted);
    measured(format_args!("{answered} of {} SYNs answered", 2 * SYNS));
    ensure!(answered > SYNS, "only {answered} SYNs answered");
    Ok(())
}

/// Hellos that were begun, by clients that then fell silent for ever, take room for a minute only.
/// Its listener's last route goes, and with that the listener is the proxy's.
#[test]
fn a_connection_outlives_the_last_route_of_its_listener() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    let mut crowds = Vec::new();
    for (index, gateway) in GATEWAYS.iter().enumerate() {
        let ask = format!("crowd --to {gateway}:8443 --server-name any.example --connections 50");
        let mut crowd = bed.start(&format!("crowd-{index}"), &ask)?;
        crowd.goes_on(2)?;
        crowds.push(crowd);
    }
    bed.config.remove("any.yaml")?;
    for gateway in GATEWAYS {
        let ask = format!("--to {gateway}:8443 --server-name any.example");
        wait_until(LIMIT, "new connections are closed", || {
            Ok(bed.tcp(&ask)?.failed == 1)
        })?;
    }
    for mut crowd in crowds {
        crowd.goes_on(2)?;
        let report: TcpReport = crowd.finish()?;
        report.expect_echoed(report.bytes_sent)?;
        ensure!(report.connections == 50, "{report:?}");
    }
    Ok(())
}

#[test]
fn what_is_left_half_open_is_swept_away() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    block_on(async {
        let mut clients = Vec::new();
        for gateway in GATEWAYS {
            let mut client = connect(&bed, &format!("{gateway}:443")).await?;
            let hello = Opening::of(NAMES[0].0).wire(0)?;
            client.write_all(&hello[..100]).await?;
            clients.push(client);
        }
        wait_until(LIMIT, "the hellos are kept", || {
            Ok(dump(&bed, HELLOS)?.len() == GATEWAYS.len())
        })?;
        let lose = "qdisc replace dev eth0 root blackhole";
        bed.client.run("tc", lose.split(' '))?;
        drop(clients);
        wait_until(SWEPT, "no hello is left", || {
            Ok(dump(&bed, HELLOS)?.is_empty())
        })?;
        Ok(())
    })
}
