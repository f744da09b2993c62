//! What runs, and how to reach it.

use anyhow::Result;

use super::{
    Cluster,
    components::components,
    node,
    plan::{CLIENT, CLIENT_ADDRESS},
};

pub(super) fn print(cluster: &Cluster) -> Result<()> {
    let mut whole = true;
    for node in &cluster.plan.nodes {
        println!(
            "{}  {}  {}  namespace {}",
            node.name, node.address, node.address6, node.namespace
        );
        if node::first_process(node).is_none() {
            println!("  has ended");
            whole = false;
            continue;
        }
        for component in components(&cluster.plan, node) {
            let running = node::is_running(node, component.name)?;
            whole &= running;
            let word = if running { "runs" } else { "HAS ENDED" };
            println!("  {:<24} {word}", component.name);
        }
    }
    println!("client  {CLIENT_ADDRESS}  namespace {CLIENT}\n");
    if whole {
        println!("{}", cluster.kubectl(&["version"])?);
        println!("{}", cluster.kubectl(&["get", "nodes", "--output=wide"])?);
        println!(
            "{}",
            cluster.kubectl(&["get", "pods", "--all-namespaces", "--output=wide"])?
        );
    }
    println!("{}", advice(cluster));
    Ok(())
}

pub(super) fn advice(cluster: &Cluster) -> String {
    let nodes = cluster
        .plan
        .nodes
        .iter()
        .map(|node| node.address.to_string());
    format!(
        "\
The cluster runs: {} node(s), {}.
  cargo xtask cluster shell                          kubectl and helm, as a client on the LAN
  cargo xtask cluster shell --node 0                 inside a node: ip, bpftool, ctr
  cargo xtask cluster shell -- kubectl get pods -A   one command
  cargo xtask cluster status | down
  {}   for programs
  {}   logs of node0",
        cluster.plan.nodes.len(),
        nodes.collect::<Vec<_>>().join(", "),
        cluster.description().display(),
        cluster.var(&cluster.plan.nodes[0]).join("log").display(),
    )
}
