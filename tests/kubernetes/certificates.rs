//! A certificate that has expired: who is told, and where.

use anyhow::{Result, ensure};
use gateway_tests::{programs, wait::wait_until};

use super::bed::{Cluster, LIMIT, wait_condition, wait_event};

#[test]
fn an_expired_certificate_is_told_by_event_status_and_metric_and_stays_in_force() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let daemon = cluster.daemon()?;
    let old = programs::root()?.join("tests/kubernetes/expired.yaml");
    cluster.api.apply_path(&old)?;
    wait_condition(&cluster, "gateway old", "Programmed")?;
    let told = "for listener https, expired at 2020-04-01T00:00:00Z; it is shown all the same";
    wait_event(&cluster, "gateway old", "CertificateExpired", told)?;

    let text = daemon.status_text()?;
    let row = |line: &str| line.starts_with("default/old ") && line.ends_with("  expired");
    ensure!(text.lines().any(row), "{text}");
    let metric = "xdp_gateway_certificate_not_after_timestamp_seconds\
                  {gateway=\"default/old\",listener=\"https\",secret=\"default/old\"} 1585699200";
    let metrics = daemon.admin("/metrics")?;
    ensure!(metrics.contains(metric), "{metrics}");

    cluster.api.kubectl("delete gateway old")?;
    wait_until(LIMIT, "nothing is said of it any more", || {
        Ok(!daemon.admin("/metrics")?.contains("default/old"))
    })?;
    Ok(())
}
