//! Alerts and versions: what the chart says of the program is true of it.

use std::collections::BTreeSet;

use super::{helm::chart, read, root};

/// An alert on a metric that nobody exports never fires.
#[test]
fn alerts_use_metrics_that_the_daemon_has() {
    let alerts = read(&chart().join("files/alerts.yaml"));
    let used = metrics(&alerts);
    assert!(used.len() >= 4, "{used:?}");
    let sources = [
        "metrics.rs",
        "metrics/certificates.rs",
        "metrics/kernel/encode.rs",
        "proxy/metrics.rs",
        "kube/metrics.rs",
    ];
    let sources = sources.map(|file| read(&root().join("gateway-user/src").join(file)));
    for metric in used {
        let name = metric.strip_suffix("_total").unwrap_or(metric);
        let name = name.strip_suffix("_seconds").unwrap_or(name);
        let literal = format!("\"{name}\"");
        assert!(
            sources.iter().any(|source| source.contains(&literal)),
            "no source registers {metric}"
        );
    }
}

/// Names without the prefix.
fn metrics(text: &str) -> BTreeSet<&str> {
    let rest = text.split("xdp_gateway_").skip(1);
    let names = rest.map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    });
    names.collect()
}

#[test]
fn versions_are_those_of_the_program() {
    let version = env!("CARGO_PKG_VERSION");
    let text = read(&chart().join("Chart.yaml"));
    for line in [
        format!("version: {version}"),
        format!("appVersion: \"{version}\""),
        format!("    version: {version}"),
    ] {
        assert!(
            text.lines().any(|l| l == line),
            "{line} is not in Chart.yaml"
        );
    }
    let crds = read(&chart().join("charts/crds/Chart.yaml"));
    assert!(crds.contains(&format!("\nversion: {version}\n")), "{crds}");
}
