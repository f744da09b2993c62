//! Traffic that is not the Gateway's passes untouched.

use anyhow::{Result, ensure};
use gateway_tests::bed::{Bed, GATEWAY, NODE};

#[test]
fn traffic_of_the_node_and_through_it_is_left_alone() -> Result<()> {
    let mut bed = Bed::new()?;
    bed.serve("node", "serve-tcp --listen 0.0.0.0:22 --name ssh")?;
    let _daemon = bed.daemon()?;

    let ping = bed.ping(&format!("--to {NODE} --count 3"))?;
    ensure!(ping.sent == 3 && ping.lost == 0, "{ping:?}");

    let ssh = bed.tcp(&format!("--to {NODE}:22 --count 5 --bytes 100000"))?;
    ensure!(
        ssh.failed == 0 && ssh.servers.get("ssh") == Some(&5),
        "{ssh:?}"
    );

    // The ports of the listeners, but the node's own address.
    let own = bed.tcp(&format!("--to {NODE}:9000 --count 20"))?;
    ensure!(
        own.failed == 0 && own.servers.get("echo-node") == Some(&20),
        "{own:?}"
    );

    let routed = bed.http("--to 10.77.1.2:8080 --host a.example.com --count 5")?;
    ensure!(routed.versions.get("v1") == Some(&5), "{routed:?}");
    Ok(())
}

#[test]
fn a_port_without_a_listener_is_refused() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    let report = bed.tcp(&format!("--to {GATEWAY}:9999 --count 2"))?;
    ensure!(report.failed == 2, "{report:?}");
    ensure!(
        report.errors.iter().all(|e| e.contains("refused")),
        "{report:?}"
    );
    Ok(())
}
