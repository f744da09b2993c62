//! What the namespace tests and the demo need from the kernel, asked before anything starts.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, bail};

use crate::process::Job;

/// (bit, name, what for), from linux/capability.h.
const CAPABILITIES: &[(u32, &str, &str)] = &[
    (
        12,
        "CAP_NET_ADMIN",
        "network interfaces, routes and attaching to them",
    ),
    (
        21,
        "CAP_SYS_ADMIN",
        "network namespaces and the BPF file system",
    ),
    (39, "CAP_BPF", "BPF maps and programs"),
];
const BPFFS: &str = "/sys/fs/bpf";

/// Errors naming everything that is lacking; mounts the BPF file system where it is not mounted.
pub(crate) fn ensure() -> Result<()> {
    let status = fs::read_to_string("/proc/self/status").context("/proc is not mounted")?;
    let lacking = lacking(&status);
    if !lacking.is_empty() {
        bail!(
            "this needs root with every capability of a real machine, and lacks {}; run it as root \
             (`sudo -E env PATH=\"$PATH\" cargo xtask ...`), in a container with --privileged",
            lacking.join(", ")
        );
    }
    if is_mounted(&fs::read_to_string("/proc/mounts").context("/proc is not mounted")?) {
        return Ok(());
    }
    Job::new(
        "mounting the BPF file system",
        "mount",
        Duration::from_secs(10),
    )
    .args(["-t", "bpf", "bpf", BPFFS])
    .show()
    .with_context(|| format!("by hand: `mount -t bpf bpf {BPFFS}`"))
}

/// Reads /proc/PID/status.
fn lacking(status: &str) -> Vec<String> {
    let value = |key: &str| {
        let mut lines = status.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(k, _)| *k == key)
            .map(|(_, v)| v.trim().to_owned())
    };
    let effective = value("CapEff").and_then(|hex| u64::from_str_radix(&hex, 16).ok());
    let effective = effective.unwrap_or(0);
    // real, effective, saved and file system user
    let user = value("Uid").and_then(|ids| ids.split_whitespace().nth(1).map(str::to_owned));
    let root = (user.as_deref() != Some("0")).then(|| "user id 0 (files of root)".to_owned());
    let absent = CAPABILITIES
        .iter()
        .filter(|(bit, ..)| effective & (1 << bit) == 0);
    let absent = absent.map(|(_, name, purpose)| format!("{name} ({purpose})"));
    root.into_iter().chain(absent).collect()
}

/// Reads /proc/mounts.
fn is_mounted(mounts: &str) -> bool {
    let mut fields = mounts.lines().map(|line| line.split(' ').skip(1));
    fields.any(|mut f| f.next() == Some(BPFFS) && f.next() == Some("bpf"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_lacking_is_named_at_once() {
        let root = "Name:\tx\nUid:\t0\t0\t0\t0\nCapEff:\t000001fffeffffff\n";
        assert!(lacking(root).is_empty());
        let container = "Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n";
        let names = lacking(container).join(" ");
        assert!(
            names.contains("CAP_NET_ADMIN") && names.contains("CAP_BPF"),
            "{names}"
        );
        let user = lacking("Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n");
        assert_eq!(user.len(), 1 + CAPABILITIES.len());
        assert_eq!(lacking("").len(), 1 + CAPABILITIES.len());
    }

    #[test]
    fn the_bpf_file_system_is_found_among_the_mounts() {
        assert!(is_mounted(
            "proc /proc proc rw 0 0\nbpf /sys/fs/bpf bpf rw 0 0\n"
        ));
        assert!(!is_mounted(
            "sysfs /sys sysfs rw 0 0\nnone /sys/fs/bpf tmpfs rw 0 0\n"
        ));
    }
}
