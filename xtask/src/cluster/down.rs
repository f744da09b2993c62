//! Takes a cluster away by the names of its parts, whatever state it was left in.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use gateway_tests::wait::wait_until;
use rustix::process::{Pid, Signal, kill_process};

use super::{
    cgroups,
    node::first_processes,
    plan::{CLIENT, LAN, NODE},
};
use crate::process::Job;

const SHORT: Duration = Duration::from_secs(20);
/// Killed processes are gone at once, except where the kernel still works for them.
const END: Duration = Duration::from_secs(20);
const NAMESPACES: &str = "/run/netns";

/// Ends every process, then removes namespaces, control groups and files. Nothing to remove is fine.
pub(super) fn down(state: &Path) -> Result<()> {
    let namespaces = namespaces();
    end(|| {
        // With the first process of a node end its pods, and with them all mounts and pins.
        let mut all: Vec<u32> = first_processes().into_iter().map(|(pid, _)| pid).collect();
        for namespace in &namespaces {
            all.extend(processes(namespace)?);
        }
        Ok(all)
    })?;
    for namespace in &namespaces {
        Job::new(format!("deleting {namespace}"), "ip", SHORT)
            .args(["netns", "delete", namespace])
            .show()?;
    }
    // A process counts until it is reaped.
    let gone = || Ok(cgroups::remove(NODE).is_ok());
    if wait_until(END, "control groups are empty", gone).is_err() {
        cgroups::remove(NODE)?;
    }
    if state.exists() {
        fs::remove_dir_all(state)
            .with_context(|| format!("{} cannot be removed", state.display()))?;
    }
    Ok(())
}

/// Kills what `processes` lists until it lists none.
fn end(processes: impl Fn() -> Result<Vec<u32>>) -> Result<()> {
    let start = Instant::now();
    loop {
        let left = processes()?;
        if left.is_empty() {
            return Ok(());
        }
        if start.elapsed() > END {
            bail!("processes that do not end: {left:?}");
        }
        let pids = left
            .iter()
            .filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?));
        for pid in pids {
            // Fails only for a process that has ended meanwhile.
            let _ = kill_process(pid, Signal::KILL);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Network namespaces of ours.
fn namespaces() -> Vec<String> {
    let entries = fs::read_dir(NAMESPACES).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| is_ours(name)).collect()
}

fn is_ours(name: &str) -> bool {
    let number = |rest: &str| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit());
    name == LAN || name == CLIENT || name.strip_prefix(NODE).is_some_and(number)
}

fn processes(namespace: &str) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    Job::new(format!("listing {namespace}"), "ip", SHORT)
        .args(["netns", "pids", namespace])
        .lines(&mut |line| found.extend(line.trim().parse::<u32>()))?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_clusters_own_namespaces_are_deleted() {
        for ours in ["xdpgw-lan", "xdpgw-client", "xdpgw-node0", "xdpgw-node15"] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "xdpgw-bed-1-0-node",
            "xdpgw-node",
            "xdpgw-nodes",
            "eth0",
            "node0",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
