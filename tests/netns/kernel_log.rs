//! `--kernel-log`: what the programs themselves say of single packets.

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    daemon::Daemon,
    wait::wait_until,
};

use super::tcp::LIMIT;

#[test]
fn a_log_line_names_the_hook_and_what_became_of_the_packet() -> Result<()> {
    let bed = Bed::new()?;
    // A Service without endpoints: its packets are dropped.
    bed.config.remove("services.yaml")?;
    let services = "
apiVersion: v1
kind: Service
metadata: {name: dns, namespace: default}
spec:
  ports: [{name: dns, protocol: UDP, port: 53}]
";
    bed.config.write("services.yaml", services)?;
    let flags = ["--kernel-log"];
    let mut daemon = Daemon::start(&bed.node, bed.config.dir(), &bed.net.pins(), &flags)?;
    daemon.wait_ready()?;
    let udp = bed.udp(&format!("--to {GATEWAY}:53 --count 3 --patience-ms 100"))?;
    ensure!(udp.lost == 3, "{udp:?}");
    wait_until(LIMIT, "the log says why", || {
        let log = daemon.log();
        let line = log
            .lines()
            .find(|l| l.contains("ingress: refuse_no_backend"));
        Ok(line.is_some())
    })
    .map_err(|e| e.context(daemon.log()))?;
    let log = daemon.log();
    ensure!(log.contains("egress: pass_"), "nothing of egress:\n{log}");
    Ok(())
}
