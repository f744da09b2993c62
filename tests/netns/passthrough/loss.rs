//! Links that lose packets and let some overtake others.
//!
//! The client is a hop further away than the router, whose interfaces and those of the backend's
//! link throw away two packets of a hundred, and hold five back for a while. What a host throws away
//! itself is no loss to its own TCP, so what matters is lost on links in between.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAYS},
    net::Namespace,
    process::Process,
    programs::Programs,
    report::TcpReport,
};

use super::{NAMES, all_came_to, daemon};

const CONNECTIONS: u64 = 200;
const ROUNDS: u64 = 2;
/// Of a connection for all.
const BYTES: u64 = 2 << 20;

/// A classic BPF program: -1, the class of its filter, for this share of packets, else 0.
fn one_in(packets: u32) -> String {
    let threshold = u32::MAX - u32::MAX / packets;
    // Load a random number (SKF_AD_RANDOM); jump if it is that large; return.
    format!("4,32 0 0 4294963256,37 0 1 {threshold},6 0 0 4294967295,6 0 0 0")
}

/// What leaves by this interface is lost or delayed. Without netem, which not every kernel has.
fn spoil(namespace: &Namespace, interface: &str) -> Result<()> {
    let mut script = String::new();
    let mut tc = |words: &str| writeln!(script, "tc {}", words.replace("DEV", interface));
    tc("qdisc replace dev DEV root handle 1: htb default 10")?;
    tc("class add dev DEV parent 1: classid 1:10 htb rate 10gbit quantum 60000")?;
    tc("class add dev DEV parent 1: classid 1:20 htb rate 20mbit burst 1600 quantum 1600")?;
    tc("class add dev DEV parent 1: classid 1:30 htb rate 10gbit quantum 60000")?;
    tc("qdisc add dev DEV parent 1:10 pfifo limit 1000")?;
    tc("qdisc add dev DEV parent 1:20 pfifo limit 4")?;
    tc("qdisc add dev DEV parent 1:30 blackhole")?;
    for (class, packets) in [("1:30", 50), ("1:20", 20)] {
        let program = one_in(packets);
        tc(&format!(
            "filter add dev DEV parent 1: protocol all bpf bytecode '{program}' flowid {class}"
        ))?;
    }
    namespace.run("sh", ["-e", "-c", &script]).map(drop)
}

/// A client behind the bed's client, which is a router then.
fn far(bed: &Bed) -> Result<Namespace> {
    let (far, router) = (bed.net.namespace("far")?, &bed.client);
    bed.net.connect([
        (&far, "eth0", "10.78.0.2/24"),
        (router, "far", "10.78.0.1/24"),
    ])?;
    for (namespace, interface, address) in [
        (&far, "eth0", "2001:db8:80::2/64"),
        (router, "far", "2001:db8:80::1/64"),
    ] {
        namespace.sysctl(&format!("net/ipv6/conf/{interface}/disable_ipv6"), "0")?;
        namespace.ip(&format!("address add {address} dev {interface} nodad"))?;
    }
    router.sysctl("net/ipv4/ip_forward", "1")?;
    router.sysctl("net/ipv6/conf/all/forwarding", "1")?;
    far.ip("route add default via 10.78.0.1")?;
    far.ip("-6 route add default via 2001:db8:80::1")?;
    bed.node.ip("-6 route add default via 2001:db8:77::2")?;
    Ok(far)
}

/// Packets that a class of an interface has lost.
fn lost(namespace: &Namespace, interface: &str) -> Result<u64> {
    let said = namespace.run("tc", ["-s", "class", "show", "dev", interface])?;
    let (_, class) = said.split_once("class htb 1:30").context("no class")?;
    let (_, after) = class.split_once("dropped ").context("no number")?;
    let number = after.split(',').next().unwrap_or_default();
    Ok(number.parse()?)
}

#[test]
fn connections_outlive_loss_and_reordering() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    let far = far(&bed)?;
    let links = [
        (&bed.client, "far"),
        (&bed.client, "eth0"),
        (&bed.node, "app1"),
        (&bed.app1, "eth0"),
    ];
    for (namespace, interface) in links {
        spoil(namespace, interface)?;
    }
    let ask = |arguments: &str| -> Result<TcpReport> {
        let peer = &Programs::get()?.peer;
        Process::client(&far, "far", peer, arguments.split_whitespace())?.report()
    };
    for gateway in GATEWAYS {
        for (name, server) in NAMES {
            let report = ask(&format!(
                "crowd --to {gateway}:443 --server-name {name} --hello-bytes 1900 --post-quantum \
                 --connections {CONNECTIONS} --rounds {ROUNDS} --bytes 2000"
            ))?;
            all_came_to(&report, server, CONNECTIONS * ROUNDS * 2_000)?;
            let to = format!("--to {gateway}:443 --server-name {name}");
            let report = ask(&format!("tcp {to} --bytes {BYTES} --count 1"))?;
            all_came_to(&report, server, BYTES).with_context(|| to)?;
        }
    }
    for (namespace, interface) in links {
        let lost = lost(namespace, interface)?;
        ensure!(lost > 50, "{interface}: {lost} packets lost");
    }
    Ok(())
}
