//! Path MTU discovery end to end: a link on the way carries less than both ends believe, and they
//! learn it from an ICMP error that the gateway translates.

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY, GATEWAY_V6},
    daemon::Daemon,
    net::Namespace,
    programs::Programs,
    report::TcpReport,
};

use crate::{neighbours::metric, tcp::send_all_to};

const BYTES: u64 = 300_000;
/// A host that sends no more than the narrow link takes, and tells others that it takes all.
const NARROW: &str = "mtu 1300 advmss 1400";

fn transfer(client: &Namespace, gateway: &str) -> Result<TcpReport> {
    let (peer, bytes) = (&Programs::get()?.peer, BYTES.to_string());
    let to = format!("{gateway}:9000");
    let arguments = ["tcp", "--to", &to, "--bytes", &bytes, "--count", "4"];
    let report: TcpReport = serde_json::from_str(&client.run(peer, arguments)?)?;
    report.expect_echoed(4 * BYTES)?;
    Ok(report)
}

fn related(daemon: &Daemon) -> Result<u64> {
    metric(daemon, "xdp_gateway_l4_icmp_errors_total")
}

/// A client behind a router, and a narrow link between them.
fn distant_client(bed: &Bed) -> Result<Namespace> {
    let far = bed.net.namespace("far")?;
    bed.net.connect([
        (&far, "eth0", "10.78.0.2/24"),
        (&bed.client, "far", "10.78.0.1/24"),
    ])?;
    for (namespace, interface, address) in [
        (&far, "eth0", "2001:db8:80::2/64"),
        (&bed.client, "far", "2001:db8:80::1/64"),
    ] {
        for name in ["lo", interface] {
            namespace.sysctl(&format!("net/ipv6/conf/{name}/disable_ipv6"), "0")?;
        }
        namespace.ip(&format!("address add {address} dev {interface} nodad"))?;
    }
    bed.client.sysctl("net/ipv4/ip_forward", "1")?;
    bed.client.sysctl("net/ipv6/conf/all/forwarding", "1")?;
    bed.client.ip("link set far mtu 1300")?;
    bed.node
        .ip("-6 route add 2001:db8:80::/64 via 2001:db8:77::2")?;
    far.ip(&format!("route add default via 10.78.0.1 {NARROW}"))?;
    far.ip(&format!("-6 route add default via 2001:db8:80::1 {NARROW}"))?;
    Ok(far)
}

#[test]
fn backends_learn_of_a_narrow_link_to_the_client() -> Result<()> {
    let bed = Bed::dual_stack()?;
    let far = distant_client(&bed)?;
    let daemon = bed.daemon()?;
    for gateway in [GATEWAY.to_owned(), format!("[{GATEWAY_V6}]")] {
        let before = related(&daemon)?;
        let report = transfer(&far, &gateway)?;
        ensure!(report.client_address_kept, "{report:?}");
        ensure!(related(&daemon)? > before, "nobody was told: {report:?}");
    }
    Ok(())
}

#[test]
fn clients_learn_of_a_narrow_link_to_the_backend() -> Result<()> {
    let bed = Bed::dual_stack()?;
    bed.node.ip("link set app2 mtu 1300")?;
    bed.app2
        .ip(&format!("route replace default via 10.77.2.1 {NARROW}"))?;
    bed.app2.ip(&format!(
        "-6 route replace default via 2001:db8:79::1 {NARROW}"
    ))?;
    let daemon = bed.daemon()?;
    send_all_to(&bed, &["10.77.2.2", "2001:db8:79::2"], "echo-app2")?;
    for gateway in [GATEWAY.to_owned(), format!("[{GATEWAY_V6}]")] {
        let before = related(&daemon)?;
        let report = transfer(&bed.client, &gateway)?;
        ensure!(report.servers.len() == 1, "{report:?}");
        ensure!(related(&daemon)? > before, "nobody was told: {report:?}");
    }
    Ok(())
}
