//! What the API server has is served, as it changes.

use anyhow::{Result, ensure};
use gateway_tests::bed::GATEWAY;

use super::bed::Cluster;

#[test]
fn serves_what_the_api_server_has_and_follows_its_changes() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let daemon = cluster.daemon()?;
    ensure!(cluster.version("hello")?.as_deref() == Some("v1"));
    let tcp = cluster
        .bed
        .tcp(&format!("--to {GATEWAY}:9000 --count 30 --bytes 1000"))?;
    ensure!(tcp.failed == 0, "{tcp:?}");

    cluster.set_backend("hello", "web-v2")?;
    cluster.wait_version("hello", Some("v2"))?;
    cluster.api.kubectl("delete httproute hello")?;
    cluster.wait_version("hello", None)?;

    let status = daemon.status()?;
    ensure!(
        status["source"]["from"] == "https://127.0.0.1:6443",
        "{status}"
    );
    ensure!(
        status["source"]["troubles"] == serde_json::json!([]),
        "{status}"
    );
    Ok(())
}
