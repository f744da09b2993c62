//! A long session over UDP, as QUIC and games have them: one socket, with pauses.

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Backends, Bed, GATEWAY},
    report::UdpReport,
    wait::wait_until,
};

use crate::{inspect::json, tcp::LIMIT};

const SERVERS: [(&str, &str); 3] = [
    ("dns-app1", "10.77.1.2"),
    ("dns-app2", "10.77.2.2"),
    ("dns-node", "10.77.0.1"),
];
/// Longer than a flow goes without being touched.
const PAUSE_MS: u64 = 1_100;
/// New flows that are asked where they go.
const PROBES: u64 = 20;

#[test]
fn a_session_stays_while_new_flows_go_elsewhere() -> Result<()> {
    let bed = Bed::new()?;
    set_weights(&bed, |_| 1)?;
    let daemon = bed.daemon()?;
    let session = format!("udp --to {GATEWAY}:53 --one-socket --interval-ms {PAUSE_MS}");
    let mut session = bed.start("session", &session)?;
    session.goes_on(2)?;
    let own = own_server(&bed)?;

    // Hardly a slot of the lookup table stays with the session's server.
    set_weights(&bed, |server| if server == own { 1 } else { 500 })?;
    wait_until(LIMIT, "new flows go to others", || {
        Ok(!probe(&bed)?.servers.contains_key(own))
    })?;
    session.goes_on(2)?;
    // And back, and gone with the daemon.
    set_weights(&bed, |_| 1)?;
    wait_until(LIMIT, "new flows go everywhere", || {
        Ok(probe(&bed)?.servers.len() == SERVERS.len())
    })?;
    set_weights(&bed, |server| if server == own { 1 } else { 500 })?;
    wait_until(LIMIT, "new flows go to others again", || {
        Ok(!probe(&bed)?.servers.contains_key(own))
    })?;
    daemon.kill()?;
    session.goes_on(2)?;
    let _daemon = bed.daemon()?;
    session.goes_on(2)?;

    let report: UdpReport = session.finish()?;
    ensure!(report.lost == 0 && report.client_address_kept, "{report:?}");
    ensure!(
        report.servers.get(own) == Some(&report.sent),
        "{own}: {report:?}"
    );
    Ok(())
}

fn probe(bed: &Bed) -> Result<UdpReport> {
    let report = bed.udp(&format!("--to {GATEWAY}:53 --count {PROBES}"))?;
    ensure!(report.lost == 0, "{report:?}");
    Ok(report)
}

/// Name of the server that has the only flow.
fn own_server(bed: &Bed) -> Result<&'static str> {
    let flows = json(bed, "flows --protocol udp")?;
    let [flow] = &flows.as_array().context("no list")?[..] else {
        anyhow::bail!("not one flow: {flows}");
    };
    let backend = flow["backend"].as_str().context("no backend")?;
    let own = SERVERS
        .iter()
        .find(|(_, address)| backend == format!("{address}:5353"));
    own.map(|(name, _)| *name).context(backend.to_owned())
}

/// A Service for each server, and a route to all of them with these weights.
fn set_weights(bed: &Bed, weight: impl Fn(&str) -> u32) -> Result<()> {
    let mut text = ROUTE.to_owned();
    for (name, _) in SERVERS {
        text += &format!(
            "    - {{name: {name}, port: 53, weight: {}}}\n",
            weight(name)
        );
    }
    for (name, address) in SERVERS {
        text += &Backends {
            name,
            port: ("dns", "UDP", 53),
            target: 5353,
            addresses: &[address],
            node: "",
        }
        .manifest();
    }
    bed.config.write("udp.yaml", &text)
}

const ROUTE: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: {name: dns, namespace: default}
spec:
  parentRefs: [{name: demo, sectionName: dns}]
  rules:
  - backendRefs:
";
