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

/// To a port of a gateway, with more options of `peer tcp`.
pub(crate) fn transfer(client: &Namespace, to: &str) -> Result<TcpReport> {
    let arguments = format!("tcp --bytes {BYTES} --count 4 --to {to}");
    let peer = &Programs::get()?.peer;
    let report: TcpReport = serde_json::from_str(&client.run(peer, arguments.split(' '))?)?;
    report.expect_echoed(4 * BYTES)?;
    Ok(report)
}

fn related(daemon: &Daemon) -> Result<u64> {
    metric(daemon, "xdp_gateway_l4_icmp_errors_total")
}

/// A client behind a router, and a narrow link between them.
pub(crate) fn distant_client(bed: &Bed) -> Result<Namespace> {
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

/// The link to app2 takes less than both ends of it say.
pub(crate) fn narrow_backend(bed: &Bed) -> Result<()> {
    bed.node.ip("link set app2 mtu 1300")?;
    bed.app2
        .ip(&format!("route replace default via 10.77.2.1 {NARROW}"))?;
    bed.app2.ip(&format!(
        "-6 route replace default via 2001:db8:79::1 {NARROW}"
    ))?;
    Ok(())
}

#[test]
fn backends_learn_of_a_narrow_link_to_the_client() -> Result<()> {
    let bed = Bed::dual_stack()?;
    let far = distant_client(&bed)?;
    let daemon = bed.daemon()?;
    for gateway in [GATEWAY.to_owned(), format!("[{GATEWAY_V6}]")] {
        let before = related(&daemon)?;
        let report = transfer(&far, &format!("{gateway}:9000"))?;
        ensure!(report.client_address_kept, "{report:?}");
        ensure!(related(&daemon)? > before, "nobody was told: {report:?}");
    }
    Ok(())
}

#[test]
fn clients_learn_of_a_narrow_link_to_the_backend() -> Result<()> {
    let bed = Bed::dual_stack()?;
    narrow_backend(&bed)?;
    let daemon = bed.daemon()?;
    send_all_to(&bed, &["10.77.2.2", "2001:db8:79::2"], "echo-app2")?;
    for gateway in [GATEWAY.to_owned(), format!("[{GATEWAY_V6}]")] {
        let before = related(&daemon)?;
        let report = transfer(&bed.client, &format!("{gateway}:9000"))?;
        ensure!(report.servers.len() == 1, "{report:?}");
        ensure!(related(&daemon)? > before, "nobody was told: {report:?}");
    }
    Ok(())
}
