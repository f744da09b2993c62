//! The end of the daemon, and the end of its data path.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY, UPLINK},
    daemon,
    net::Namespace,
};
use serde_json::Value;

#[test]
fn driver_mode_is_in_force_and_reported() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    let status = daemon.status()?;
    let attachments = status["attachments"].as_array().context("no attachments")?;
    let xdp = attachments
        .iter()
        .find(|a| a["hook"] == "xdp")
        .context("no XDP program")?;
    ensure!(
        xdp["interface"] == UPLINK && xdp["mode"] == "driver",
        "{status:#}"
    );
    let link = bed.node.ip(&format!("-details link show {UPLINK}"))?;
    ensure!(
        link.contains(" xdp ") && !link.contains("xdpgeneric"),
        "{link}"
    );
    Ok(())
}

#[test]
fn sigterm_leaves_the_data_path_and_unload_leaves_nothing() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    let pins = daemon.pins().to_path_buf();
    let status = daemon.terminate()?;
    ensure!(status.success(), "after SIGTERM: {status}");
    let after = bed.tcp(&format!("--to {GATEWAY}:9000 --count 10"))?;
    ensure!(after.failed == 0, "{after:?}");
    let traces = traces(&bed.node, &pins)?;
    ensure!(
        traces == ["pins", "programs", "lookup", "route"],
        "not all in force: {traces:?}"
    );

    let said = daemon::unload(&bed.node, &pins)?;
    ensure!(
        !said.trim().is_empty(),
        "unload does not say what it removed"
    );
    let traces = self::traces(&bed.node, &pins)?;
    ensure!(traces.is_empty(), "left behind: {traces:?}");
    let after = bed.tcp(&format!("--to {GATEWAY}:9000 --count 1"))?;
    ensure!(after.failed == 1, "{after:?}");
    // Nothing to remove is no error.
    daemon::unload(&bed.node, &pins)?;
    Ok(())
}

#[test]
fn unload_of_another_pin_directory_leaves_a_running_daemon_alone() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    let said = daemon::unload(&bed.node, &daemon.pins().with_extension("other"))?;
    ensure!(
        said.contains(&format!("route to {GATEWAY} stays")),
        "{said}"
    );
    let after = bed.tcp(&format!("--to {GATEWAY}:9000 --count 1"))?;
    ensure!(after.failed == 0, "{after:?}");
    Ok(())
}

/// What of the data path is in force on the node.
fn traces(node: &Namespace, pins: &Path) -> Result<Vec<&'static str>> {
    let inode = fs::metadata(Path::new("/run/netns").join(node.name()))?.ino();
    let links: Vec<Value> = serde_json::from_str(&node.run("bpftool", ["-j", "link", "show"])?)?;
    let all = [
        ("pins", pins.exists()),
        (
            "programs",
            node.run("bpftool", ["net", "show"])?.contains(UPLINK),
        ),
        (
            "lookup",
            links.iter().any(|link| link["netns_ino"] == inode),
        ),
        (
            "route",
            node.ip("route show table local")?.contains(GATEWAY),
        ),
    ];
    Ok(all
        .into_iter()
        .filter(|(_, there)| *there)
        .map(|(name, _)| name)
        .collect())
}
