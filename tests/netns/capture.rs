//! `capture`: packets before and after the programs, which nobody else can show.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use gateway_common::maps::{ABI_VERSION, PROGRAM_INGRESS, SLOT_TLS, TAIL_CALLED};
use gateway_tests::{
    bed::{Bed, GATEWAY, GATEWAYS, UPLINK},
    process::Process,
    programs::Programs,
    wait::wait_until,
};

use serde_json::Value;

use super::{passthrough, tcp::LIMIT};

/// The verifier takes seconds for the programs of TLS passthrough.
const START: Duration = Duration::from_secs(60);

/// Starts a capture on the node, and waits until it is in force.
fn start(bed: &Bed, name: &str, arguments: &str) -> Result<Process> {
    let pins = bed.net.pins().display().to_string();
    let words = ["capture", "--pin-dir", &pins];
    let words = words.into_iter().chain(arguments.split_whitespace());
    let mut capture = Process::server(&bed.node, name, &Programs::get()?.gateway, words)?;
    wait_until(START, "the capture begins", || {
        capture.expect_running()?;
        Ok(capture.log().contains("capturing"))
    })
    .with_context(|| capture.log())?;
    Ok(capture)
}

#[test]
fn lines_show_what_xdp_and_tcx_do_to_packets() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    let capture = start(
        &bed,
        "lines",
        &format!("--interface {UPLINK} --protocol udp --port 53"),
    )?;
    bed.udp(&format!("--to {GATEWAY}:53 --count 1"))?;
    bed.tcp(&format!("--to {GATEWAY}:9000 --count 1"))?;
    shows(
        &capture,
        &[
            ("xdp before:", "-> 10.77.0.100:53,"),
            ("xdp after PASS:", ":5353,"),
            ("tcx egress before:", ":5353 -> 10.77.0.2:"),
            ("tcx egress after NEXT:", "udp 10.77.0.100:53 ->"),
        ],
    )?;
    ensure!(!capture.log().contains("tcp"), "{}", capture.log());
    Ok(())
}

/// The programs that go on where others end show packets as they leave them, too.
#[test]
fn connections_of_tls_passthrough_are_shown_before_and_after() -> Result<()> {
    let bed = Bed::passthrough()?;
    let daemon = passthrough::daemon(&bed)?;
    ensure!(in_slots(&bed)? == pinned_for_slots(&bed)?, "before");
    let mut capture = start(&bed, "tls", "--protocol tcp --port 443 --count 100000")?;
    ensure!(
        in_slots(&bed)? != pinned_for_slots(&bed)?,
        "none is changed"
    );
    for gateway in GATEWAYS {
        let ask = format!("--to {gateway}:443 --server-name app1.pass.example");
        bed.tcp(&ask)?.expect_echoed(64)?;
    }
    shows(
        &capture,
        &[
            ("xdp before:", "10.77.0.2:"),
            ("xdp after PASS:", "-> 10.77.1.2:9443,"),
            ("tcx egress before:", "tcp 10.77.1.2:9443 -> 10.77.0.2:"),
            (
                "tcx egress after NEXT:",
                "tcp 10.77.0.100:443 -> 10.77.0.2:",
            ),
            ("xdp after PASS:", "-> [2001:db8:78::2]:9443,"),
            (
                "tcx egress before:",
                "tcp [2001:db8:78::2]:9443 -> [2001:db8:77::2]:",
            ),
            (
                "tcx egress after NEXT:",
                "tcp [2001:db8:77::100]:443 -> [2001:db8:77::2]:",
            ),
        ],
    )?;
    let log = capture.log();
    let at = |point: &str| log.lines().filter(|line| line.contains(point)).count();
    for hook in ["xdp", "tcx egress", "tcx ingress"] {
        let [before, after] = ["before:", "after "].map(|side| at(&format!("{hook} {side}")));
        ensure!(before == after, "{hook}: {before} and {after}\n{log}");
    }
    capture.terminate(LIMIT)?;
    ensure!(in_slots(&bed)? == pinned_for_slots(&bed)?, "it is left");
    // Of a capture that is killed, too.
    let mut capture = start(&bed, "tls-killed", "")?;
    ensure!(
        in_slots(&bed)? != pinned_for_slots(&bed)?,
        "none is changed"
    );
    capture.kill()?;
    wait_until(LIMIT, "the programs are back", || {
        Ok(in_slots(&bed)? == pinned_for_slots(&bed)?)
    })?;
    drop(daemon);
    Ok(())
}

#[test]
fn a_file_names_interfaces_and_limits_end_the_capture() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    // The programs stay, and so does what is to be seen.
    daemon.kill()?;
    let file = bed.net.dir().join("capture.pcapng");
    let arguments = format!("--count 4 --port 9000 --write {}", file.display());
    let mut capture = start(&bed, "file", &arguments)?;
    bed.tcp(&format!("--to {GATEWAY}:9000 --count 1"))?;
    wait_until(LIMIT, "the capture ends by itself", || {
        Ok(capture.expect_running().is_err())
    })
    .with_context(|| capture.log())?;
    ensure!(
        capture.log().contains("4 packets captured, 0 lost"),
        "{}",
        capture.log()
    );
    let bytes = fs::read(&file)?;
    let text = String::from_utf8_lossy(&bytes);
    for part in ["uplink xdp before", "uplink xdp after", "xdp after PASS"] {
        ensure!(text.contains(part), "the file lacks {part}");
    }
    ensure!(
        on_uplink(&bed)? == pinned(&bed, PROGRAM_INGRESS)?,
        "the capture is left on the uplink"
    );
    Ok(())
}

#[test]
fn a_capture_that_is_killed_is_cleared_away_by_the_daemon() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    let mut capture = start(&bed, "killed", "")?;
    ensure!(
        on_uplink(&bed)? != pinned(&bed, PROGRAM_INGRESS)?,
        "no other program is on the uplink"
    );
    let second = start(&bed, "second", "");
    ensure!(second.is_err_and(|e| format!("{e:#}").contains("somebody else captures")));
    bed.tcp(&format!("--to {GATEWAY}:9000 --count 3"))?;
    capture.kill()?;
    wait_until(LIMIT, "the program is back", || {
        Ok(on_uplink(&bed)? == pinned(&bed, PROGRAM_INGRESS)?)
    })?;
    let tcp = bed.tcp(&format!("--to {GATEWAY}:9000 --count 3"))?;
    ensure!(tcp.failed == 0, "{tcp:?}");
    Ok(())
}

/// Id of the XDP program on the uplink.
fn on_uplink(bed: &Bed) -> Result<u64> {
    let links = bed.node.ip(&format!("-j link show dev {UPLINK}"))?;
    let links: Value = serde_json::from_str(&links)?;
    links[0]["xdp"]["prog"]["id"]
        .as_u64()
        .with_context(|| links.to_string())
}

/// Id of a program of the daemon's.
fn pinned(bed: &Bed, program: &str) -> Result<u64> {
    let program = bpftool(bed, &["prog", "show"], &format!("programs/{program}"))?;
    program["id"].as_u64().with_context(|| program.to_string())
}

/// Ids of the programs in the slots of [`TAIL_CALLED`]; fails where there is none.
pub(crate) fn in_slots(bed: &Bed) -> Result<Vec<u64>> {
    let id = |(map, _): &(&str, &str)| {
        let rows = bpftool(bed, &["map", "dump"], &format!("maps/{map}"))?;
        let id = rows[SLOT_TLS as usize]["formatted"]["value"].as_u64();
        id.with_context(|| rows.to_string())
    };
    TAIL_CALLED.iter().map(id).collect()
}

/// Ids of the daemon's programs for them.
pub(crate) fn pinned_for_slots(bed: &Bed) -> Result<Vec<u64>> {
    let id = |(_, program): &(&str, &str)| pinned(bed, program);
    TAIL_CALLED.iter().map(id).collect()
}

/// What it says about something pinned.
fn bpftool(bed: &Bed, command: &[&str], pin: &str) -> Result<Value> {
    let out = Command::new("bpftool")
        .arg("-j")
        .args(command)
        .arg("pinned")
        .arg(bed.net.pins().join(format!("v{ABI_VERSION}/{pin}")))
        .output();
    let out = out.context("cannot start bpftool; `cargo xtask setup` installs it")?;
    Ok(serde_json::from_slice(&out.stdout)?)
}

/// Waits until there are lines with both of each.
fn shows(capture: &Process, expected: &[(&str, &str)]) -> Result<()> {
    let shown = |(point, ends): &(&str, &str)| {
        let log = capture.log();
        let mut lines = log.lines();
        lines.any(|line| line.contains(point) && line.contains(ends))
    };
    wait_until(LIMIT, "all is captured", || Ok(expected.iter().all(shown)))
        .with_context(|| capture.log())?;
    Ok(())
}
