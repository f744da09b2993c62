//! The cluster and a namespace of the test's own in it.

use std::{
    env, fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use gateway_tests::{
    net::Namespace, process::Process, programs::Programs, report::HttpReport, wait::wait_until,
};
use serde_json::Value as Json;
use tempfile::TempDir;

/// Says where `cargo xtask cluster` describes the cluster.
const CLUSTER: &str = "XDP_GATEWAY_CLUSTER";
pub(crate) const LIMIT: Duration = Duration::from_secs(120);
/// The chart's namespace.
pub(crate) const SYSTEM: &str = "xdp-gateway-system";

static ONE: Mutex<()> = Mutex::new(());

/// Its namespace goes when it is dropped.
pub(crate) struct Cluster {
    /// Outside of the cluster, on the network of its nodes.
    pub(crate) client: Namespace,
    /// Of IPv4.
    pub(crate) client_address: String,
    /// What joins all of them; a port has the name of what it leads to.
    pub(crate) lan: Namespace,
    /// Two at least; the first one has the control plane.
    pub(crate) nodes: Vec<Node>,
    /// The namespace of Kubernetes for the test's objects.
    namespace: String,
    kubeconfig: PathBuf,
    tools: PathBuf,
    pub(crate) dir: TempDir,
    _one: MutexGuard<'static, ()>,
}

impl Cluster {
    /// Waits until other tests are done.
    pub(crate) fn new(test: &str) -> Result<Self> {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = env::var_os(CLUSTER) else {
            bail!("set {CLUSTER} to the file that `cargo xtask cluster status` names");
        };
        let about: Json = serde_json::from_str(&fs::read_to_string(path)?)?;
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let nodes = about["nodes"].as_array().context("no nodes")?;
        ensure!(
            nodes.len() > 1,
            "these tests need `cargo xtask cluster up --nodes 2`"
        );
        let dir = TempDir::new()?;
        let network =
            |of: &Json, role| Namespace::existing(&text(&of["namespace"]), role, dir.path());
        let cluster = Self {
            client: network(&about["client"], "client"),
            client_address: text(&about["client"]["address"]),
            lan: network(&about["lan"], "lan"),
            nodes: nodes
                .iter()
                .map(|node| Node::new(node, dir.path()))
                .collect::<Result<_>>()?,
            namespace: format!("test-{test}"),
            kubeconfig: text(&about["kubeconfig"]).into(),
            tools: text(&about["tools"]).into(),
            dir,
            _one: one,
        };
        // What a test that was killed has left.
        cluster.delete_namespace()?;
        cluster.kubectl(&["create", "namespace", &cluster.namespace])?;
        Ok(cluster)
    }

    /// What `kubectl ARGUMENTS` prints, in the test's namespace.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.tool("kubectl");
        command.arg("--namespace").arg(&self.namespace);
        output(command.args(arguments))
    }

    /// `kubectl COMMAND -f` of manifests.
    pub(crate) fn manifests(&self, command: &[&str], manifests: &str) -> Result<()> {
        let file = self.dir.path().join("manifests.yaml");
        fs::write(&file, manifests)?;
        let file = file.display().to_string();
        self.kubectl(&[command, &["-f", &file]].concat()).map(drop)
    }

    pub(crate) fn apply(&self, manifests: &str) -> Result<()> {
        self.manifests(&["apply", "--server-side"], manifests)
    }

    /// An object, or a list, as JSON.
    pub(crate) fn get(&self, what: &str) -> Result<Json> {
        let text = self.kubectl(&["get", what, "-o", "json"])?;
        serde_json::from_str(&text).context("kubectl does not print JSON")
    }

    /// Waits with `kubectl wait`, for a condition or a path in the object.
    pub(crate) fn wait(&self, what: &str, until: &str) -> Result<()> {
        let (limit, until) = (format!("{}s", LIMIT.as_secs()), format!("--for={until}"));
        let done = self.kubectl(&["wait", what, &until, "--timeout", &limit]);
        done.map(drop).with_context(|| {
            self.kubectl(&["get", what, "-o", "yaml"])
                .unwrap_or_default()
        })
    }

    /// Waits until every pod of a workload is there and ready.
    pub(crate) fn rolled_out(&self, workload: &str) -> Result<()> {
        let limit = format!("--timeout={}s", LIMIT.as_secs());
        self.kubectl(&["rollout", "status", workload, &limit])
            .map(drop)
    }

    /// Waits until a Gateway serves; its first address.
    pub(crate) fn gateway(&self, name: &str) -> Result<IpAddr> {
        self.wait(&format!("gateway/{name}"), "condition=Programmed")?;
        let gateway = self.get(&format!("gateway/{name}"))?;
        let address = gateway["status"]["addresses"][0]["value"].as_str();
        Ok(address.context("no address")?.parse()?)
    }

    /// Runs an HTTP client of the bed to its end.
    pub(crate) fn http(&self, arguments: &str) -> Result<HttpReport> {
        self.http_from(&self.client, arguments)
    }

    /// Starts an HTTP client of the bed; it goes on until it is finished.
    pub(crate) fn load(&self, name: &str, arguments: &str) -> Result<Process> {
        // A closed connection keeps its port for a minute: without pauses, connections that are made
        // anew each time would use up all 28,000.
        let arguments = format!("http --limit-seconds 600 --pause 3 {arguments}");
        let peer = &Programs::get()?.peer;
        let arguments = arguments.split_whitespace();
        Process::client(&self.client, name, peer, arguments)
    }

    /// Waits until a request gets this status.
    pub(crate) fn answers(&self, status: u16, arguments: &str) -> Result<()> {
        let mut last = None;
        let what = format!("{status} for {arguments}");
        let got = wait_until(LIMIT, &what, || {
            last = Some(self.http(&format!("--count 1 {arguments}"))?);
            Ok(last
                .as_ref()
                .is_some_and(|report| report.statuses.contains_key(&status)))
        });
        got.map(drop).with_context(|| format!("{last:?}"))
    }

    /// The sum over all lines of a metric of all nodes that have it.
    pub(crate) fn metric(&self, name: &str) -> Result<f64> {
        let of = |node: &Node| {
            let request = "--count 1 --to 127.0.0.1:9901 --host localhost --path /metrics";
            let answer = self.http_from(&node.network, request)?.last;
            Ok(answer.context("no metrics")?.body)
        };
        let lines = self.nodes.iter().map(of).collect::<Result<String>>()?;
        sum(name, &lines)
    }

    /// The gateway runs on the first node alone, until what is returned is dropped.
    pub(crate) fn alone(&self) -> Result<Alone<'_>> {
        let alone = Alone(self);
        alone.run_on(&format!("{:?}", self.nodes[0].name))?;
        Ok(alone)
    }

    /// Waits until the pods of the gateway are as they should be.
    pub(crate) fn gateway_rolled_out(&self) -> Result<()> {
        let limit = format!("--timeout={}s", LIMIT.as_secs());
        let system = format!("--namespace={SYSTEM}");
        let pods = "daemonset/xdp-gateway";
        self.kubectl(&["rollout", "status", &system, pods, &limit])
            .map(drop)
    }

    /// The node whose interface the client has for an address now, if it has one.
    pub(crate) fn neighbour(&self, address: IpAddr) -> Result<Option<&Node>> {
        let known = self.client.ip(&format!("neigh show to {address}"))?;
        Ok(self.nodes.iter().find(|node| known.contains(&node.mac)))
    }

    /// The node that answers when the client asks the LAN whose an address is.
    pub(crate) fn owner(&self, address: IpAddr) -> Result<&Node> {
        self.client.ip(&format!("neigh flush to {address}"))?;
        let mut found = None;
        wait_until(LIMIT, &format!("a node answers for {address}"), || {
            // Only the question matters.
            drop(self.http(&format!(
                "--count 1 --to {} --host any",
                authority(address, 1)
            )));
            found = self.neighbour(address)?;
            Ok(found.is_some())
        })?;
        found.context("no owner")
    }

    /// What `helm ARGUMENTS` prints, in the chart's namespace.
    pub(crate) fn helm(&self, arguments: &[&str]) -> Result<String> {
        output(
            self.tool("helm")
                .args(["--namespace", SYSTEM])
                .args(arguments),
        )
    }

    fn http_from(&self, network: &Namespace, arguments: &str) -> Result<HttpReport> {
        let arguments = format!("http {arguments}");
        let peer = &Programs::get()?.peer;
        Process::client(network, "http", peer, arguments.split_whitespace())?.report()
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = self.client.command(self.tools.join(name));
        command.env("KUBECONFIG", &self.kubeconfig);
        command.env("KUBECACHEDIR", self.dir.path().join("cache"));
        command
    }

    fn delete_namespace(&self) -> Result<()> {
        let name = &self.namespace;
        self.kubectl(&[
            "delete",
            "namespace",
            name,
            "--ignore-not-found",
            "--timeout=120s",
        ])
        .map(drop)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.delete_namespace() {
            eprintln!("{error:#}");
        }
    }
}

pub(crate) struct Alone<'a>(&'a Cluster);

impl Alone<'_> {
    /// `name`: a node's, in quotes, or `null` for all.
    fn run_on(&self, name: &str) -> Result<()> {
        let patch = format!(
            r#"{{"spec":{{"template":{{"spec":{{"nodeSelector":{{"kubernetes.io/hostname":{name}}}}}}}}}}}"#
        );
        let system = format!("--namespace={SYSTEM}");
        let change = ["patch", "daemonset", "xdp-gateway", &system, "-p", &patch];
        self.0.kubectl(&change)?;
        self.0.gateway_rolled_out()
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.run_on("null") {
            eprintln!("{error:#}");
        }
    }
}

/// A node of the cluster.
pub(crate) struct Node {
    /// As Kubernetes knows it.
    pub(crate) name: String,
    pub(crate) network: Namespace,
    /// Of its interface on the LAN.
    mac: String,
    /// A command line that leads into it.
    enter: Vec<String>,
}

impl Node {
    fn new(about: &Json, dir: &Path) -> Result<Self> {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let network = Namespace::existing(&text(&about["namespace"]), "node", dir);
        let link: Json = serde_json::from_str(&network.ip("-j link show eth0")?)?;
        let enter = about["enter"].as_array().context("no way into the node")?;
        Ok(Self {
            name: text(&about["name"]),
            mac: text(&link[0]["address"]),
            enter: enter.iter().map(text).collect(),
            network,
        })
    }

    /// What a script prints that runs inside.
    pub(crate) fn run(&self, script: &str) -> Result<String> {
        let (program, arguments) = self.enter.split_first().context("no way into the node")?;
        output(
            Command::new(program)
                .args(arguments)
                .args(["sh", "-c", script]),
        )
    }
}

/// The sum over all lines of a metric.
fn sum(name: &str, lines: &str) -> Result<f64> {
    let of = |line: &str| {
        let value = line.strip_prefix(name)?;
        let value = value.starts_with(['{', ' ']).then_some(value)?;
        value.rsplit(' ').next()?.parse::<f64>().ok()
    };
    let all: Vec<f64> = lines.lines().filter_map(of).collect();
    ensure!(!all.is_empty(), "there is no metric {name}:\n{lines}");
    Ok(all.into_iter().sum())
}

/// As a URL has it.
pub(crate) fn authority(address: IpAddr, port: u16) -> String {
    SocketAddr::new(address, port).to_string()
}

/// Fails unless all requests of a client got an answer with this status.
pub(crate) fn expect_all(report: &HttpReport, status: u16) -> Result<()> {
    let answered = report.statuses.get(&status).copied().unwrap_or_default();
    ensure!(report.sent > 0, "no request was sent");
    ensure!(
        report.failed == 0 && answered == report.sent,
        "of {} requests {} got no answer and {answered} a {status}: {:?} {:?}",
        report.sent,
        report.failed,
        report.statuses,
        report.errors
    );
    Ok(())
}

/// Runs a command to its end; gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let out = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    let said = String::from_utf8_lossy(&out.stderr);
    ensure!(
        out.status.success(),
        "{command:?}: {}: {}",
        out.status,
        said.trim()
    );
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}
