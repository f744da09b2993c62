//! Backends on other nodes: their replies do not pass this one, unless it talks to them itself.

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Backends, Bed, GATEWAY, GATEWAY_V6},
    net::Namespace,
    process::Process,
    programs::Programs,
};

const BYTES: u64 = 3_000_000;

/// Addresses of a host behind the client.
pub(crate) const DISTANT: [&str; 2] = ["10.79.0.2", "2001:db8:81::2"];

/// That host, which sends replies to the client straight there.
pub(crate) fn distant_host(bed: &Bed) -> Result<Namespace> {
    let remote = bed.net.namespace("remote")?;
    bed.net.connect([
        (&remote, "eth0", "10.79.0.2/24"),
        (&bed.client, "remote", "10.79.0.1/24"),
    ])?;
    for (namespace, interface, address) in [
        (&remote, "eth0", "2001:db8:81::2/64"),
        (&bed.client, "remote", "2001:db8:81::1/64"),
    ] {
        for name in ["lo", interface] {
            namespace.sysctl(&format!("net/ipv6/conf/{name}/disable_ipv6"), "0")?;
        }
        namespace.ip(&format!("address add {address} dev {interface} nodad"))?;
    }
    remote.ip("route add default via 10.79.0.1")?;
    remote.ip("-6 route add default via 2001:db8:81::1")?;
    bed.client.sysctl("net/ipv4/ip_forward", "1")?;
    bed.client.sysctl("net/ipv6/conf/all/forwarding", "1")?;
    bed.node
        .ip("-6 route add 2001:db8:81::/64 via 2001:db8:77::2")?;
    Ok(remote)
}

fn distant_backend(bed: &Bed) -> Result<[Process; 4]> {
    let remote = distant_host(bed)?;
    bed.config.remove("endpoints-v6.yaml")?;
    let far = [
        ("far-echo", ("echo", "TCP", 9000), 9000),
        ("far-dns", ("dns", "UDP", 53), 5353),
    ];
    let far = far.map(|(name, port, target)| {
        let backends = Backends {
            name,
            port,
            target,
            addresses: &DISTANT,
            node: "another",
        };
        backends.manifest()
    });
    bed.config.write("far.yaml", &far.concat())?;
    for (file, name, port) in [("tcp.yaml", "echo", "9000"), ("udp.yaml", "dns", "53")] {
        let reference = format!("- name: {name}\n          port: {port}");
        let other = format!("- name: far-{name}\n          port: {port}");
        bed.config.replace(file, &reference, &other)?;
    }
    let peer = &Programs::get()?.peer;
    let serve = |name: &str, arguments: &str| {
        Process::server(&remote, name, peer, arguments.split_whitespace())
    };
    Ok([
        serve("tcp4", "serve-tcp --listen 10.79.0.2:9000 --name far")?,
        serve(
            "tcp6",
            "serve-tcp --listen [2001:db8:81::2]:9000 --name far",
        )?,
        serve("udp4", "serve-udp --listen 10.79.0.2:5353 --name far")?,
        serve(
            "udp6",
            "serve-udp --listen [2001:db8:81::2]:5353 --name far",
        )?,
    ])
}

#[test]
fn backends_on_other_nodes_are_reached_with_an_address_of_this_one() -> Result<()> {
    let bed = Bed::dual_stack()?;
    let _servers = distant_backend(&bed)?;
    let _daemon = bed.daemon()?;
    for gateway in [GATEWAY.to_owned(), format!("[{GATEWAY_V6}]")] {
        let report = bed.tcp(&format!("--to {gateway}:9000 --bytes {BYTES} --count 5"))?;
        report.expect_echoed(5 * BYTES)?;
        ensure!(report.servers.get("far") == Some(&5), "{report:?}");
        ensure!(!report.client_address_kept, "{report:?}");
        let report = bed.udp(&format!("--to {gateway}:53 --count 20"))?;
        ensure!(report.lost == 0, "{report:?}");
        ensure!(report.servers.get("far") == Some(&20), "{report:?}");
    }
    Ok(())
}
