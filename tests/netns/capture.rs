//! `capture`: packets before and after the programs, which nobody else can show.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY, UPLINK},
    process::Process,
    programs::Programs,
    wait::wait_until,
};

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
    let other = start(&bed, "other", "--address 192.0.2.9")?;
    bed.udp(&format!("--to {GATEWAY}:53 --count 1"))?;
    bed.tcp(&format!("--to {GATEWAY}:9000 --count 1"))?;
    let expected = [
        ("xdp in:", "-> 10.77.0.100:53,"),
        ("xdp out PASS:", ":5353,"),
        ("tcx in:", "udp 10.77."),
        ("tcx out NEXT:", "udp 10.77.0.100:53 ->"),
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
    ensure!(!other.log().contains("xdp"), "{}", other.log());
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
    for part in ["uplink xdp in", "uplink xdp out", "xdp out PASS"] {
        ensure!(text.contains(part), "the file lacks {part}");
    }
    ensure!(
        tracing_programs(&bed)? == 0,
        "programs of the capture are left"
    );
    Ok(())
}

/// Programs of captures in the kernel, of this bed or others: those of this one are named alike,
/// so that only their absence on our programs counts.
fn tracing_programs(bed: &Bed) -> Result<usize> {
    let programs = Command::new("bpftool")
        .args(["-j", "link", "show"])
        .output();
    let programs = programs.context("cannot start bpftool; `cargo xtask setup` installs it")?;
    let links: serde_json::Value = serde_json::from_slice(&programs.stdout)?;
    let pin = bed.net.pins().join(format!(
        "v{}/programs/xdpgw_ingress",
        gateway_common::maps::ABI_VERSION
    ));
    let shown = Command::new("bpftool")
        .args(["-j", "prog", "show", "pinned"])
        .arg(&pin)
        .output()?;
    let ours: serde_json::Value = serde_json::from_slice(&shown.stdout)?;
    let id = ours["id"].as_u64().context("the program is not pinned")?;
    let links = links.as_array().context("no list of links")?;
    Ok(links
        .iter()
        .filter(|link| link["target_obj_id"].as_u64() == Some(id))
        .count())
}
