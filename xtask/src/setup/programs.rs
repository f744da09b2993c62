//! The programs that the demo and the tests call, by the Debian package that has them: packages
//! that start no service.

use std::{env, path::Path};

use anyhow::Result;

use super::apt;
use crate::steps::{Context, State};

/// (program, package)
const PROGRAMS: &[(&str, &str)] = &[
    ("bpftool", "bpftool"),
    ("curl", "curl"),
    ("dig", "bind9-dnsutils"),
    ("dnsmasq", "dnsmasq-base"),
    ("ethtool", "ethtool"),
    ("ip", "iproute2"),
    ("iperf3", "iperf3"),
    ("nsenter", "util-linux"),
    ("openssl", "openssl"),
    ("ping", "iputils-ping"),
    ("python3", "python3"),
    // The server, too: what it does depends on its name.
    ("redis-check-rdb", "redis-tools"),
    ("sysctl", "procps"),
    ("tc", "iproute2"),
];

/// Downloads the official API's files for `cargo xtask lint`, and is a client of others for
/// `cargo xtask test`; any version does.
const GO: &[(&str, &str)] = &[("go", "golang-go")];

/// What the nodes of `cargo xtask cluster` call; plugins of the network are on no PATH.
const CLUSTER: &[(&str, &str)] = &[
    ("/usr/lib/cni/ptp", "containernetworking-plugins"),
    ("conntrack", "conntrack"),
    ("iptables", "iptables"),
    ("mount", "mount"),
    ("runc", "runc"),
    ("unshare", "util-linux"),
];

/// Where root's programs are, also for a PATH that lacks them.
const SYSTEM: &[&str] = &["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

pub(super) fn check(_: &Context) -> Result<State> {
    find(PROGRAMS)
}

pub(super) fn check_go(_: &Context) -> Result<State> {
    find(GO)
}

pub(super) fn check_cluster(_: &Context) -> Result<State> {
    find(CLUSTER)
}

fn find(programs: &[(&str, &str)]) -> Result<State> {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs: Vec<_> = env::split_paths(&path).collect();
    let there = |program: &str| {
        let system = SYSTEM.iter().map(Path::new);
        let mut dirs = dirs.iter().map(AsRef::as_ref).chain(system);
        dirs.any(|dir| dir.join(program).is_file())
    };
    let missing = missing(programs, there);
    if missing.is_empty() {
        let names: Vec<_> = programs.iter().map(|(program, _)| *program).collect();
        return Ok(State::Ready(names.join(" ")));
    }
    Ok(State::Missing(missing.join(" ")))
}

/// `missing`: names of packages.
pub(super) fn install(context: &Context, missing: &str) -> Result<()> {
    let packages: Vec<_> = missing.split(' ').collect();
    apt::install(context, &packages)
}

/// Packages of the programs that are not there.
fn missing<'a>(programs: &[(&str, &'a str)], there: impl Fn(&str) -> bool) -> Vec<&'a str> {
    let absent = programs.iter().filter(|(program, _)| !there(program));
    absent.map(|(_, package)| *package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_missing_programs_are_named() {
        let there = |program: &str| program != "ip" && program != "ping";
        assert_eq!(missing(PROGRAMS, there), ["iproute2", "iputils-ping"]);
        assert!(missing(PROGRAMS, |_| true).is_empty());
    }
}
