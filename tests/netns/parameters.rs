//! Interfaces and workers as GatewayParameters ask for them, changed while traffic runs.

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY, UPLINK},
    daemon::Daemon,
    net::Namespace,
    process::Process,
    programs::Programs,
    report::{HttpReport, TcpReport},
    wait::wait_until,
};
use serde_json::Value;

use crate::tcp::LIMIT;

const CONTROLLER: &str = "controllerName: xdp-gateway.dev/controller";
const BYTES: u64 = 60_000_000;
/// Slow enough that the transfer lasts as long as the changes.
const RATE: u64 = 8_000_000;

/// A bed whose GatewayClass has parameters.
pub(crate) fn bed(spec: &str) -> Result<Bed> {
    let bed = Bed::new()?;
    give(&bed, spec)?;
    Ok(bed)
}

/// Has the GatewayClass of a bed refer to such parameters.
pub(crate) fn give(bed: &Bed, spec: &str) -> Result<()> {
    let reference = "parametersRef: {group: xdp-gateway.dev, kind: GatewayParameters, name: node, \
                     namespace: default}";
    let class = format!("{CONTROLLER}\n  {reference}");
    bed.config.replace("gateway.yaml", CONTROLLER, &class)?;
    ask(bed, spec)
}

pub(crate) fn ask(bed: &Bed, spec: &str) -> Result<()> {
    let text = format!(
        "apiVersion: xdp-gateway.dev/v1alpha1\nkind: GatewayParameters\n\
         metadata: {{name: node, namespace: default}}\nspec: {spec}\n"
    );
    bed.config.write("parameters.yaml", &text)
}

/// Names of the daemon's threads that serve HTTP.
fn workers(daemon: &Daemon) -> Result<usize> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.pid()))?;
    let name = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.ok()?.path().join("comm")).ok()
    };
    Ok(tasks
        .filter_map(name)
        .filter(|n| n.starts_with("proxy-"))
        .count())
}

#[test]
fn workers_come_and_go_without_a_failed_request() -> Result<()> {
    let bed = bed("{workers: 2}")?;
    let daemon = bed.daemon()?;
    ensure!(workers(&daemon)? == 2, "{}", daemon.log());
    let load = |name: &str, more: &str| {
        let to = format!("--to {GATEWAY}:80 --host hello.example.com --connections 4");
        bed.start(name, &format!("http {to} {more}"))
    };
    let mut loads = [
        load("kept", "")?,
        load("fresh", "--fresh --pause 5")?,
        load("slow", "--pause 200")?,
        load("http2", "--http2")?,
    ];
    for count in [1, 3, 2] {
        ask(&bed, &format!("{{workers: {count}}}"))?;
        let wanted = count.to_string();
        let told = || Ok(daemon.status()?["node"]["workers"]["value"] == *wanted);
        wait_until(LIMIT, "the status says how many workers there are", told)?;
        wait_until(LIMIT, "so many threads run", || {
            Ok(workers(&daemon)? == count)
        })?;
        loads[0].goes_on(200)?;
        loads[1].goes_on(100)?;
        loads[3].goes_on(200)?;
    }
    for load in loads {
        let report: HttpReport = load.finish()?;
        ensure!(report.failed == 0 && report.sent > 0, "{report:?}");
        let ok = report.statuses.get(&200) == Some(&report.sent);
        ensure!(ok, "{:?}", report.statuses);
    }
    Ok(())
}

/// A second network of the node, with a client; made while the daemon runs.
fn second_network(bed: &Bed, interface: &str) -> Result<Namespace> {
    let other = bed.net.namespace("other")?;
    bed.net.connect([
        (&other, "eth0", "10.78.0.2/24"),
        (&bed.node, interface, "10.78.0.1/24"),
    ])?;
    other.ip("route add default via 10.78.0.1")?;
    Ok(other)
}

/// Whether TCP connections to the Gateway get through from there.
fn gets_through(from: &Namespace) -> Result<bool> {
    let to = format!("{GATEWAY}:9000");
    let peer = &Programs::get()?.peer;
    let client = Process::client(from, "other", peer, ["tcp", "--to", &to, "--count", "4"])?;
    let report: TcpReport = client.report()?;
    Ok(report.failed == 0 && report.client_address_kept)
}

/// The row of the XDP program of an interface, if there is one.
fn xdp_row(daemon: &Daemon, interface: &str) -> Result<Option<Value>> {
    let status = daemon.status()?;
    let rows = status["attachments"].as_array().context("no attachments")?;
    let mut rows = rows.iter();
    let row = rows.find(|row| row["interface"] == interface && row["hook"] == "xdp");
    Ok(row.cloned())
}

fn runs(daemon: &Daemon, interface: &str) -> Result<bool> {
    Ok(xdp_row(daemon, interface)?.is_some_and(|row| row["mode"] != "-"))
}

#[test]
fn programs_move_between_interfaces_and_flows_over_others_go_on() -> Result<()> {
    let bed = bed(&format!("{{interfaces: [{UPLINK}]}}"))?;
    let other = second_network(&bed, "lan")?;
    let daemon = bed.daemon()?;
    ensure!(runs(&daemon, UPLINK)? && !runs(&daemon, "lan")?);
    ensure!(!gets_through(&other)?, "the node itself sends it on");
    let transfer = format!("tcp --to {GATEWAY}:9000 --bytes {BYTES} --rate {RATE}");
    let mut transfer = bed.start("transfer", &transfer)?;
    transfer.goes_on(2_000_000)?;

    ask(&bed, &format!("{{interfaces: [{UPLINK}, lan, absent]}}"))?;
    wait_until(LIMIT, "lan has the programs", || runs(&daemon, "lan"))?;
    ensure!(gets_through(&other)?, "{}", daemon.log());
    ensure!(runs(&daemon, UPLINK)?);
    transfer.goes_on(2_000_000)?;

    ask(&bed, &format!("{{interfaces: [{UPLINK}]}}"))?;
    let gone = || Ok(xdp_row(&daemon, "lan")?.is_none());
    wait_until(LIMIT, "lan has none any more", gone)?;
    let shown = bed.node.ip("-d link show lan")?;
    ensure!(!shown.contains("prog/xdp"), "{shown}");
    ensure!(!gets_through(&other)?, "it still gets through");
    transfer.goes_on(2_000_000)?;
    let report: TcpReport = transfer.report()?;
    report.expect_echoed(BYTES)
}

#[test]
fn an_interface_that_appears_is_taken_where_a_pattern_fits() -> Result<()> {
    let bed = bed("{interfaces: [\"upl*\", \"lan?\"]}")?;
    let daemon = bed.daemon()?;
    ensure!(runs(&daemon, UPLINK)? && !runs(&daemon, "app1")?);
    let other = second_network(&bed, "lan7")?;
    wait_until(LIMIT, "it has the programs", || runs(&daemon, "lan7"))?;
    ensure!(gets_through(&other)?, "{}", daemon.log());
    Ok(())
}

#[test]
fn an_interface_of_another_program_is_left_to_it_and_told() -> Result<()> {
    let bed = bed(&format!("{{interfaces: [{UPLINK}, lan]}}"))?;
    let other = second_network(&bed, "lan")?;
    // Of another pin directory, so somebody else's.
    let theirs = bed.net.pins().join("theirs");
    let mut stranger = Daemon::start(
        &bed.node,
        bed.config.dir(),
        &theirs,
        &["--interface", "lan"],
    )?;
    stranger.wait_ready()?;
    let told = stranger.status_text()?;
    let no_effect = format!("interfaces lan, {UPLINK} of GatewayClasses have no effect");
    ensure!(told.contains(&no_effect), "{told}");
    stranger.kill()?;
    let before = bed.node.ip("-d link show lan")?;

    let ours = bed.net.pins().join("ours");
    let mut daemon = Daemon::start(&bed.node, bed.config.dir(), &ours, &[])?;
    daemon.wait_ready()?;
    ensure!(runs(&daemon, UPLINK)? && !runs(&daemon, "lan")?);
    ensure!(bed.node.ip("-d link show lan")? == before);
    let report = bed.tcp(&format!("--to {GATEWAY}:9000 --count 4"))?;
    ensure!(report.failed == 0, "{report:?}");
    let condition = || -> Result<Option<Value>> {
        let status = daemon.status()?;
        let rows = status["conditions"].as_array().context("no conditions")?;
        let mut rows = rows.iter();
        let of_interfaces = |row: &&Value| row["condition"] == "xdp-gateway.dev/InterfacesServed";
        Ok(rows.find(of_interfaces).cloned())
    };
    let told = condition()?.context("no condition")?;
    ensure!(
        told["status"] == "False" && told["name"] == "default/demo",
        "{told}"
    );
    let message = told["message"].to_string();
    ensure!(
        message.contains("lan carries another XDP program"),
        "{message}"
    );

    std::fs::remove_dir_all(&theirs)?;
    wait_until(LIMIT, "it is taken once it is free", || {
        runs(&daemon, "lan")
    })?;
    ensure!(gets_through(&other)?, "{}", daemon.log());
    wait_until(LIMIT, "nothing is said of it any more", || {
        Ok(condition()?.is_none())
    })?;
    Ok(())
}
