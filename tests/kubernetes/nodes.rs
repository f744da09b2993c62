//! What nodes that do not write statuses know reaches the conditions of the Gateways: each says it
//! in a condition of its own pod, and whoever leads takes it from there. The other node is played
//! by a pod.

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{GATEWAY, NODE, UPLINK},
    daemon::Daemon,
    wait::wait_until,
};
use serde_json::{Value as Json, json};

use super::bed::{Cluster, LIMIT, get, our_pod, wait_condition};

const DATA_PATH: &str = "xdp-gateway.dev/DataPath";
const CONFLICT: &str = "xdp-gateway.dev/AddressConflict";

#[test]
fn a_gateway_is_programmed_only_if_every_ready_node_has_it() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let daemon = cluster.daemon()?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;
    cluster.api.apply(&our_pod("other"))?;
    let lacks = r#"{"notProgrammed":{"full":["default/demo"]}}"#;
    say(&cluster, "True", lacks)?;
    let told = r#"on 1 of 2 nodes, "other": full"#;
    wait_told(&cluster, "Programmed", "False", told).with_context(|| daemon.log())?;
    let gateway = get(&cluster, "gateway demo")?;
    let listener = &gateway["status"]["listeners"][0];
    let programmed = condition(listener, "Programmed").context("no condition")?;
    ensure!(programmed["status"] == "False", "{listener}");
    // The leader's own data path is not concerned.
    let status = daemon.status()?;
    ensure!(status["gateways"][0]["programmed"] == true, "{status}");

    // A node that is gone does not count, whatever it said last.
    say(&cluster, "False", lacks)?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;
    say(&cluster, "True", lacks)?;
    wait_told(&cluster, "Programmed", "False", told)?;
    cluster
        .api
        .kubectl("delete pod other --grace-period=0 --force")?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;

    cluster.api.apply(&our_pod("other"))?;
    let claimed = format!(r#"{{"conflicts":{{"{GATEWAY}":"02:00:00:00:00:99"}}}}"#);
    say(&cluster, "True", &claimed)?;
    let told = format!("02:00:00:00:00:99, answers for {GATEWAY}");
    wait_told(&cluster, CONFLICT, "True", &told)?;
    say(&cluster, "True", "{}")?;
    wait_until(LIMIT, "the conflict is over", || {
        Ok(condition(&get(&cluster, "gateway demo")?, CONFLICT).is_none())
    })?;
    Ok(())
}

#[test]
fn a_node_that_does_not_lead_says_what_it_finds_in_its_pod() -> Result<()> {
    let cluster = Cluster::with_demo()?;
    let daemon = cluster.daemon()?;
    wait_condition(&cluster, "gateway demo", "Programmed")?;
    let taken = r#"{"spec":{"holderIdentity":"other","leaseDurationSeconds":3600}}"#;
    let patch = format!("patch lease xdp-gateway --type=merge -p {taken}");
    cluster.api.kubectl(&patch)?;
    wait_until(LIMIT, "the node has stopped leading", || {
        Ok(daemon
            .admin("/metrics")?
            .contains("\nxdp_gateway_leader 0\n"))
    })?;
    // Where all is well nothing is written.
    ensure!(reported(&cluster)?.is_none() && reports(&daemon)? == 0);

    let client = &cluster.bed.client;
    client.ip(&format!("address add {GATEWAY}/32 dev eth0"))?;
    wait_until(LIMIT, "the pod tells who claims the address", || {
        client.ip("neigh flush dev eth0")?;
        drop(client.run("ping", ["-c1", "-W1", "-I", GATEWAY, NODE]));
        let Some(condition) = reported(&cluster)? else {
            return Ok(false);
        };
        ensure!(condition["reason"] == "AddressConflict", "{condition}");
        let message = condition["message"].as_str().unwrap_or_default();
        Ok(condition["status"] == "False" && message.contains(GATEWAY))
    })
    .with_context(|| daemon.log())?;
    ensure!(reports(&daemon)? == 1, "one thing is said once");
    let gateway = get(&cluster, "gateway demo")?;
    ensure!(condition(&gateway, CONFLICT).is_none(), "{gateway}");

    cluster.bed.node.ip(&format!("link delete {UPLINK}"))?;
    wait_until(LIMIT, "the pod tells what the data path lacks", || {
        let condition = reported(&cluster)?.context("it was there")?;
        let message = condition["message"].as_str().unwrap_or_default();
        Ok(condition["reason"] == "NotApplied"
            && message.contains("no interface carries the programs")
            && message.contains(r#"["default/demo"]"#))
    })
    .with_context(|| daemon.log())?;
    let pod = get(&cluster, "pod node")?;
    ensure!(condition(&pod, "Ready").is_some_and(|c| c["status"] == "True"));

    // Whoever leads takes it from there.
    cluster.api.kubectl("delete lease xdp-gateway")?;
    wait_told(
        &cluster,
        "Programmed",
        "False",
        "no interface carries the programs",
    )
}

/// Has the other pod be ready or not, and report this.
fn say(cluster: &Cluster, ready: &str, message: &str) -> Result<()> {
    let patch = json!({"status": {"conditions": [
        {"type": "Ready", "status": ready},
        {"type": DATA_PATH, "status": "False", "reason": "NotApplied", "message": message},
    ]}});
    let command = format!("patch pod other --subresource=status -p {patch}");
    cluster.api.kubectl(&command).map(drop)
}

/// Waits until a condition of the demo's Gateway has this status, and these words.
fn wait_told(cluster: &Cluster, kind: &str, status: &str, words: &str) -> Result<()> {
    let what = format!("{kind} is {status} and says `{words}`");
    let found = wait_until(LIMIT, &what, || {
        let gateway = get(cluster, "gateway demo")?;
        let told = |c: &Json| {
            let message = c["message"].as_str().unwrap_or_default();
            c["status"] == status && message.contains(words)
        };
        Ok(condition(&gateway, kind).is_some_and(told))
    });
    found.map(drop)
}

/// What the daemon's own pod says.
fn reported(cluster: &Cluster) -> Result<Option<Json>> {
    let pod = get(cluster, "pod node")?;
    Ok(condition(&pod, DATA_PATH).cloned())
}

/// Writes of it so far.
fn reports(daemon: &Daemon) -> Result<usize> {
    let metrics = daemon.admin("/metrics")?;
    let lines = metrics.lines();
    let mut lines = lines.filter(|line| line.starts_with("xdp_gateway_node_reports_total{"));
    lines.try_fold(0, |sum, line| {
        let value = line.rsplit(' ').next().context("a value")?;
        Ok(sum + value.parse::<usize>()?)
    })
}

/// Of an object, or of a listener.
fn condition<'a>(object: &'a Json, kind: &str) -> Option<&'a Json> {
    let holder = object.get("status").unwrap_or(object);
    let mut conditions = holder["conditions"].as_array()?.iter();
    conditions.find(|condition| condition["type"] == kind)
}
