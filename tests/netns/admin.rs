//! What the admin address says after real traffic.

use anyhow::{Context, Result, ensure};
use gateway_tests::bed::{Bed, GATEWAY};
use serde_json::Value;

use crate::passthrough::{self, NAMES};

#[test]
fn health_metrics_and_configuration_tell_what_happened() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    bed.http(&format!(
        "--to {GATEWAY}:80 --host hello.example.com --count 7"
    ))?;
    bed.http(&format!(
        "--to {GATEWAY}:80 --host nobody.example.com --count 3"
    ))?;
    bed.tcp(&format!("--to {GATEWAY}:9000 --count 5 --bytes 1000000"))?;
    bed.udp(&format!("--to {GATEWAY}:53 --count 4"))?;

    daemon.admin("/healthz")?;
    let config: Value = serde_json::from_str(&daemon.admin("/config")?)?;
    let config = config.to_string();
    for part in [GATEWAY, "hello.example.com", "10.77.2.2"] {
        ensure!(config.contains(part), "/config lacks {part}: {config}");
    }

    let metrics = daemon.admin("/metrics")?;
    let of = |name: &str, labels: &[&str]| sum(&metrics, name, labels);
    let requests = "xdp_gateway_http_requests_total";
    ensure!(of(requests, &["code=\"2xx\""])? == 7.0, "{metrics}");
    ensure!(of(requests, &["code=\"4xx\""])? == 3.0, "{metrics}");
    ensure!(
        of("xdp_gateway_http_request_duration_seconds_count", &[])? == 10.0,
        "{metrics}"
    );
    ensure!(
        of("xdp_gateway_l4_flows_opened_total", &[])? == 9.0,
        "{metrics}"
    );
    for direction in ["request", "reply"] {
        let label = format!("direction=\"{direction}\"");
        let bytes = of("xdp_gateway_l4_bytes_total", &[&label])?;
        // Five connections of one megabyte each way, and their headers.
        ensure!(
            (5e6..8e6).contains(&bytes),
            "{direction}: {bytes} bytes\n{metrics}"
        );
        let backends = of("xdp_gateway_l4_backend_bytes_total", &[&label])?;
        ensure!(
            backends == bytes,
            "the backends' sum is {backends} instead of {bytes}"
        );
    }
    ensure!(
        of("xdp_gateway_l4_dropped_packets_total", &[])? == 0.0,
        "{metrics}"
    );
    Ok(())
}

/// With the share of TLS passthrough that the proxy gets.
#[test]
fn metrics_tell_the_kernels_connections_from_the_proxys() -> Result<()> {
    let bed = Bed::passthrough()?;
    let daemon = passthrough::daemon(&bed)?;
    let asked = |outcome: &str| {
        let label = format!("outcome=\"{outcome}\"");
        let metrics = daemon.admin("/metrics")?;
        sum(&metrics, "xdp_gateway_tls_packets_total", &[&label])
    };
    let (kernel, proxy) = (asked("asked")?, asked("asked_proxy")?);
    let name = NAMES[0].0;
    bed.tcp(&format!(
        "--to {GATEWAY}:443 --server-name {name} --count 7"
    ))?;
    let kernel = asked("asked")? - kernel;
    ensure!(kernel >= 7.0, "{kernel} SYNs for backends");
    ensure!(asked("asked_proxy")? == proxy, "the proxy was asked");
    bed.tcp(&format!(
        "--to {GATEWAY}:443 --server-name nobody.pass.example --count 5"
    ))?;
    let proxy = asked("asked_proxy")? - proxy;
    ensure!(proxy >= 5.0, "{proxy} SYNs for the proxy");
    let metrics = daemon.admin("/metrics")?;
    let bytes = sum(
        &metrics,
        "xdp_gateway_tls_bytes_total",
        &["outcome=\"asked\""],
    )?;
    ensure!(bytes >= 7.0 * 40.0, "{bytes} bytes in SYNs");
    Ok(())
}

/// Sum of the series of a name that have all the labels (as `name="value"`).
pub(crate) fn sum(metrics: &str, name: &str, labels: &[&str]) -> Result<f64> {
    let lines = metrics.lines().filter(|line| {
        let rest = line.strip_prefix(name).unwrap_or_default();
        rest.starts_with(['{', ' ']) && labels.iter().all(|label| rest.contains(label))
    });
    let values = lines.map(|line| line.rsplit(' ').next().and_then(|v| v.parse::<f64>().ok()));
    let values: Vec<_> = values
        .collect::<Option<_>>()
        .context("a value is no number")?;
    ensure!(
        !values.is_empty(),
        "no series {name} {labels:?} in\n{metrics}"
    );
    Ok(values.iter().sum())
}
