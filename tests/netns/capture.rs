//! `capture`: packets before and after the programs, which nobody else can show.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use gateway_common::maps::{ABI_VERSION, PROGRAM_INGRESS};
use gateway_tests::{
    bed::{Bed, GATEWAY, UPLINK},
    process::Process,
    programs::Programs,
    wait::wait_until,
};

use serde_json::Value;

use super::tcp::LIMIT;

/// Starts a capture on the node, and waits until it is in force.
fn start(bed: &Bed, name: &str, arguments: &str) -> Result<Process> {
    let pins = bed.net.pins().display().to_string();
    let words = ["capture", "--pin-dir", &pins];
    let words = words.into_iter().chain(arguments.split_whitespace());
    let capture = Process::server(&bed.node, name, &Programs::get()?.gateway, words)?;
    wait_until(LIMIT, "the capture begins", || {
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
    let expected = [
        ("xdp before:", "-> 10.77.0.100:53,"),
        ("xdp after PASS:", ":5353,"),
        ("tcx egress before:", ":5353 -> 10.77.0.2:"),
        ("tcx egress after NEXT:", "udp 10.77.0.100:53 ->"),
    ];
    wait_until(LIMIT, "both directions are captured", || {
        let log = capture.log();
        let shown = |(point, ends): &(&str, &str)| {
            log.lines()
                .any(|line| line.contains(point) && line.contains(ends))
        };
        Ok(expected.iter().all(shown))
    })
    .with_context(|| capture.log())?;
    ensure!(!capture.log().contains("tcp"), "{}", capture.log());
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
        on_uplink(&bed)? == pinned(&bed)?,
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
        on_uplink(&bed)? != pinned(&bed)?,
        "no other program is on the uplink"
    );
    let second = start(&bed, "second", "");
    ensure!(second.is_err_and(|e| format!("{e:#}").contains("somebody else captures")));
    bed.tcp(&format!("--to {GATEWAY}:9000 --count 3"))?;
    capture.kill()?;
    wait_until(LIMIT, "the program is back", || {
        Ok(on_uplink(&bed)? == pinned(&bed)?)
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

/// Id of the daemon's XDP program.
fn pinned(bed: &Bed) -> Result<u64> {
    let pin = bed
        .net
        .pins()
        .join(format!("v{ABI_VERSION}/programs/{PROGRAM_INGRESS}"));
    let out = Command::new("bpftool")
        .args(["-j", "prog", "show", "pinned"])
        .arg(pin)
        .output();
    let out = out.context("cannot start bpftool; `cargo xtask setup` installs it")?;
    let program: Value = serde_json::from_slice(&out.stdout)?;
    program["id"].as_u64().with_context(|| program.to_string())
}
