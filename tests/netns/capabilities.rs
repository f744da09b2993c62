//! The few capabilities that the chart gives its container are enough.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    daemon::Daemon,
};

#[test]
fn the_charts_capabilities_suffice_for_a_start_and_a_take_over() -> Result<()> {
    let bed = Bed::new()?;
    let capabilities = of_the_chart()?;
    ensure!(!capabilities.iter().any(|name| name == "sys_admin"));
    // The second takes over what the first left: other calls, on objects that exist already.
    for start in ["first", "second"] {
        let pins = bed.net.pins();
        let mut daemon = Daemon::confined(&bed.node, bed.config.dir(), &pins, &capabilities)?;
        daemon.wait_ready()?;
        let answers = bed.tcp(&format!("--to {GATEWAY}:9000 --count 10"))?;
        ensure!(answers.failed == 0, "{start}: {answers:?}");
        let log = daemon.log();
        ensure!(!log.contains("Operation not permitted"), "{start}: {log}");
        daemon.terminate()?;
    }
    Ok(())
}

/// `securityContext.capabilities` of values.yaml, in lower case.
fn of_the_chart() -> Result<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let values = std::fs::read_to_string(root.join("charts/xdp-gateway/values.yaml"))?;
    let lines = values.lines().map(str::trim);
    let list = lines
        .filter_map(|line| line.strip_prefix("capabilities: ["))
        .next();
    let list = list.and_then(|list| list.strip_suffix(']'));
    let names = list
        .context("values.yaml has no list of capabilities")?
        .split(", ");
    Ok(names.map(str::to_lowercase).collect())
}
