//! Makes a cluster from nothing, step by step, and says how long each took.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use gateway_tests::wait::wait_until;

use super::{
    Cluster,
    components::components,
    config, images, network, node,
    pki::{Authority, Subject},
    plan::Plan,
};
use crate::{steps::Context, tools};

const LISTENS: Duration = Duration::from_secs(90);
const READY: Duration = Duration::from_secs(120);
const BETWEEN: Duration = Duration::from_millis(300);

/// Nothing of another cluster is there any more.
pub(super) fn up(context: &Context, state: PathBuf, plan: Plan) -> Result<Cluster> {
    let cluster = Cluster {
        tools: tools::programs(context)?,
        state,
        plan,
    };
    let nodes = || cluster.plan.nodes.iter();
    context.timed("network", || {
        network::make(&cluster.plan, &cluster.state.join("log/network"))?;
        Ok("a LAN, a client and the nodes on it".into())
    })?;
    context.timed("nodes", || {
        prepare(&cluster)?;
        for node in nodes() {
            let (var, log) = (
                cluster.var(node),
                cluster.state.join("log").join(&node.name),
            );
            node::begin(node, &var, &cluster.tools, &log)?;
        }
        write(&cluster.description(), &cluster.describe()?)?;
        Ok(format!(
            "{}, each with namespaces of its own",
            nodes().count()
        ))
    })?;
    context.timed("components", || {
        for node in nodes() {
            for component in components(&cluster.plan, node) {
                node::start(node, &component, &cluster.var(node))?;
            }
        }
        Ok("started".into())
    })?;
    // Meanwhile the API server starts.
    context.timed("images into the nodes", || {
        let archives = images::archives(context)?;
        cluster.wait(LISTENS, "every node takes images", || {
            Ok(nodes().all(|node| cluster.takes_images(node)))
        })?;
        for archive in &archives {
            cluster.load(archive)?;
        }
        Ok(format!("{} archives", archives.len()))
    })?;
    context.timed("API server", || {
        cluster.wait(LISTENS, "the API server is ready", || {
            Ok(cluster.kubectl(&["get", "--raw", "/readyz"]).is_ok())
        })?;
        Ok(cluster.plan.api_server())
    })?;
    context.timed("Gateway API", || install(context, &cluster))?;
    context.timed("nodes are ready", || {
        let expected = nodes().count();
        cluster.wait(READY, "every node is ready", || {
            Ok(ready(&cluster)? == expected)
        })?;
        Ok(format!("{expected} of {expected}"))
    })?;
    write(&cluster.whole(), "")?;
    Ok(cluster)
}

/// Writes the files of all nodes, and those for clients outside of them.
fn prepare(cluster: &Cluster) -> Result<()> {
    let authority = Authority::new()?;
    for node in &cluster.plan.nodes {
        node::prepare(&cluster.plan, node, &authority, &cluster.var(node))?;
    }
    let pki = cluster.state.join("pki");
    let admin = Subject {
        file: "admin",
        common_name: "admin".into(),
        organization: Some("system:masters"),
        serves: Vec::new(),
    };
    authority.write(&pki, &[admin])?;
    let pki = pki.to_string_lossy();
    let kubeconfig = config::kubeconfig(&cluster.plan, &pki, "admin");
    write(&cluster.kubeconfig(), &kubeconfig)
}

/// The CRDs of the Gateway API's experimental channel, and the cluster's name service.
fn install(context: &Context, cluster: &Cluster) -> Result<String> {
    let crds = tools::data(context, "gateway-api", "crds")?;
    let crds = crds.to_string_lossy();
    cluster.kubectl(&["apply", "--server-side", "--kustomize", &crds])?;
    cluster.kubectl(&[
        "wait",
        "--for=condition=Established",
        "crd",
        "--all",
        "--timeout=60s",
    ])?;
    let dns = cluster.state.join("dns.yaml");
    write(&dns, include_str!("dns.yaml"))?;
    cluster.kubectl(&["apply", "--filename", &dns.to_string_lossy()])?;
    Ok("CRDs of the experimental channel".into())
}

fn ready(cluster: &Cluster) -> Result<usize> {
    let path = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}";
    let statuses = cluster.kubectl(&["get", "nodes", "--output", path])?;
    Ok(statuses.split_whitespace().filter(|s| *s == "True").count())
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

impl Cluster {
    /// Waits, and gives up at once when a component has ended.
    fn wait(&self, limit: Duration, what: &str, check: impl Fn() -> Result<bool>) -> Result<()> {
        wait_until(limit, what, || {
            for node in &self.plan.nodes {
                node::expect_running(&self.plan, node, &self.var(node))?;
            }
            let holds = check()?;
            if !holds {
                // Asking takes time that what we wait for has not.
                thread::sleep(BETWEEN);
            }
            Ok(holds)
        })
        .map(drop)
    }
}
