//! What a listener cannot send on is refused at once. The node's own servers, which
//! listen on the same port of every address, do not get it.

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    programs::Programs,
    wait::wait_until,
};

use crate::tcp::LIMIT;

fn is_refused(errors: &[String]) -> bool {
    errors.first().is_some_and(|e| e.contains("refused"))
}

#[test]
fn without_a_ready_endpoint_clients_are_refused() -> Result<()> {
    let bed = Bed::new()?;
    let config = std::fs::read_to_string(bed.config.dir().join("services.yaml"))?;
    bed.config.write(
        "services.yaml",
        &config.replace("ready: true", "ready: false"),
    )?;
    let _daemon = bed.daemon()?;
    wait_until(LIMIT, "a TCP client is refused", || {
        let report = bed.tcp(&format!("--to {GATEWAY}:9000 --count 1"))?;
        ensure!(report.servers.is_empty(), "somebody answered: {report:?}");
        Ok(is_refused(&report.errors))
    })?;
    let report = bed.udp(&format!("--to {GATEWAY}:53 --count 1"))?;
    ensure!(report.lost == 1 && is_refused(&report.errors), "{report:?}");
    Ok(())
}

#[test]
fn the_node_and_its_pods_do_not_reach_a_server_of_the_node_by_a_listeners_port() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    let peer = &Programs::get()?.peer;
    // Neither comes in by an uplink, so that XDP does not see it.
    for from in [&bed.node, &bed.app1] {
        let to = format!("{GATEWAY}:9000");
        let said = from.run(peer, ["tcp", "--to", &to, "--count", "1"])?;
        let report: gateway_tests::report::TcpReport = serde_json::from_str(&said)?;
        ensure!(
            is_refused(&report.errors),
            "from {}: {report:?}",
            from.name()
        );
    }
    Ok(())
}

#[test]
fn without_a_daemon_no_server_of_the_node_answers_for_the_proxy() -> Result<()> {
    let mut bed = Bed::new()?;
    bed.serve("node", "serve-http --listen 0.0.0.0:80 --version node")?;
    let daemon = bed.daemon()?;
    let ask = format!("--to {GATEWAY}:80 --host hello.example.com --count 1");
    wait_until(LIMIT, "the proxy answers", || {
        Ok(bed.http(&ask)?.versions.contains_key("v1"))
    })?;
    daemon.kill()?;
    let report = bed.http(&ask)?;
    ensure!(is_refused(&report.errors), "{report:?}");
    Ok(())
}
