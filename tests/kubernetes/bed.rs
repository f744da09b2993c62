//! The bed of the end-to-end tests, with an API server on the node in place of a directory.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    apiserver::ApiServer,
    bed::{Bed, GATEWAY},
    daemon::Daemon,
    programs,
    wait::wait_until,
};
use serde_json::Value as Json;

pub(crate) const LIMIT: Duration = Duration::from_secs(30);
/// The kinds of Gateway API that examples/demo has, and ReferenceGrant.
pub(crate) const KINDS: [&str; 6] = [
    "gatewayclasses",
    "gateways",
    "httproutes",
    "referencegrants",
    "tcproutes",
    "udproutes",
];

const POOL: &str = "
apiVersion: xdp-gateway.dev/v1alpha1
kind: AddressPool
metadata: {name: demo}
spec: {addresses: [10.77.0.100]}
";

/// Of pods.
const ACCOUNT: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: default}
";
const READY: &str = r#"{"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#;

pub(crate) struct Cluster {
    // Fields are dropped in this order: processes before their namespaces.
    pub(crate) api: ApiServer,
    pub(crate) bed: Bed,
}

impl Cluster {
    /// An API server that has these CRDs.
    pub(crate) fn with(plurals: &[&str]) -> Result<Self> {
        let bed = Bed::new()?;
        let api = ApiServer::start(&bed.node)?;
        api.install(plurals)?;
        api.apply(&permissions()?)?;
        api.apply(ACCOUNT)?;
        api.apply(&our_pod("node"))?;
        let status = "patch pod node --subresource=status";
        api.kubectl(&format!("{status} -p {READY}"))?;
        Ok(Self { api, bed })
    }

    /// As [`Cluster::with`], with an AddressPool that has the address of examples/demo.
    pub(crate) fn with_pool(plurals: &[&str]) -> Result<Self> {
        let cluster = Self::with(plurals)?;
        let crds = programs::root()?.join("charts/xdp-gateway/charts/crds/crds");
        cluster.api.apply_path(&crds)?;
        cluster.api.established("addresspools.xdp-gateway.dev")?;
        cluster.api.apply(POOL)?;
        Ok(cluster)
    }

    /// An API server that has the objects of examples/demo.
    pub(crate) fn with_demo() -> Result<Self> {
        let cluster = Self::with_pool(&KINDS)?;
        cluster.api.apply_path(&demo()?)?;
        Ok(cluster)
    }

    /// Starts the daemon; it may not be ready yet.
    pub(crate) fn start(&self) -> Result<Daemon> {
        let pins = self.bed.net.pins();
        Daemon::kubernetes(&self.bed.node, &self.api.daemon_kubeconfig(), &pins, &[])
    }

    /// Starts the daemon as a pod of the DaemonSet of this name, and waits until it is ready.
    pub(crate) fn daemon_of(&self, daemonset: &str) -> Result<Daemon> {
        let (pins, more) = (self.bed.net.pins(), ["--daemonset", daemonset]);
        let kubeconfig = self.api.daemon_kubeconfig();
        let mut daemon = Daemon::kubernetes(&self.bed.node, &kubeconfig, &pins, &more)?;
        wait_answers(&mut daemon)?;
        Ok(daemon)
    }

    /// Starts the daemon and waits until it is ready and answers for the demo's address.
    pub(crate) fn daemon(&self) -> Result<Daemon> {
        let mut daemon = self.start()?;
        wait_answers(&mut daemon)?;
        Ok(daemon)
    }

    /// Makes a Service the first backend of an HTTPRoute's first rule.
    pub(crate) fn set_backend(&self, route: &str, service: &str) -> Result<()> {
        let path = "/spec/rules/0/backendRefs/0/name";
        let patch = format!(r#"[{{"op":"replace","path":"{path}","value":"{service}"}}]"#);
        let patch = format!("patch httproute {route} --type=json -p {patch}");
        self.api.kubectl(&patch).map(drop)
    }

    /// The version of the backend that answers for a host; `None` where none does.
    pub(crate) fn version(&self, host: &str) -> Result<Option<String>> {
        let report = self.bed.http(&format!(
            "--to {GATEWAY}:80 --host {host}.example.com --count 1"
        ))?;
        Ok(report.versions.into_keys().next())
    }

    /// Waits until that version answers for a host.
    pub(crate) fn wait_version(&self, host: &str, version: Option<&str>) -> Result<Duration> {
        let what = format!("{version:?} answers for {host}");
        wait_until(LIMIT, &what, || {
            Ok(self.version(host)?.as_deref() == version)
        })
    }
}

/// Waits until the daemon is ready and neighbours find it by the demo's address.
pub(crate) fn wait_answers(daemon: &mut Daemon) -> Result<()> {
    daemon.wait_ready()?;
    wait_until(LIMIT, "the node answers for the address", || {
        let status = daemon.status()?;
        let addresses = status["addresses"].as_array().context("addresses")?;
        let ours = |row: &Json| row["address"] == GATEWAY && row["answeredBy"] == "this node";
        Ok(addresses.iter().any(ours))
    })?;
    Ok(())
}

/// Waits until the daemon's log has a line with these words.
pub(crate) fn wait_log(daemon: &Daemon, words: &str) -> Result<()> {
    let what = format!("the log has a line with `{words}`");
    let found = wait_until(LIMIT, &what, || Ok(lines(daemon, words) > 0));
    found.map(drop).with_context(|| daemon.log())
}

/// Lines of the daemon's log with these words.
pub(crate) fn lines(daemon: &Daemon, words: &str) -> usize {
    let log = daemon.log();
    log.lines().filter(|line| line.contains(words)).count()
}

/// An object, or a list, as `kubectl get` gives it.
pub(crate) fn get(cluster: &Cluster, what: &str) -> Result<Json> {
    let text = cluster.api.kubectl(&format!("get {what} -o json"))?;
    serde_json::from_str(&text).context("kubectl does not print JSON")
}

/// Waits until an object's own condition is true for its present generation.
pub(crate) fn wait_condition(cluster: &Cluster, object: &str, condition: &str) -> Result<()> {
    let what = format!("{condition} of {object} is True");
    let found = wait_until(LIMIT, &what, || {
        let object = get(cluster, object)?;
        let conditions = object["status"]["conditions"].as_array();
        let is_true = |c: &Json| {
            c["type"] == condition
                && c["status"] == "True"
                && c["observedGeneration"] == object["metadata"]["generation"]
        };
        Ok(conditions.is_some_and(|all| all.iter().any(is_true)))
    });
    found.map(drop)
}

/// Waits until `kubectl describe` shows a warning with this reason and these words.
pub(crate) fn wait_event(cluster: &Cluster, object: &str, reason: &str, words: &str) -> Result<()> {
    let what = format!("an event of {object} says `{words}`");
    let found = wait_until(LIMIT, &what, || {
        let described = cluster.api.kubectl(&format!("describe {object}"))?;
        let (_, events) = described.rsplit_once("\nEvents:").context("no events")?;
        let mut lines = events.lines();
        Ok(lines.any(|l| l.contains("Warning") && l.contains(reason) && l.contains(words)))
    });
    found.map(drop)
}

/// A pod of ours on this node, and of its name: nodes with a ready one share the addresses out among
/// themselves. No kubelet runs it; the daemon under test stands for that of `node`.
pub(crate) fn our_pod(node: &str) -> String {
    format!(
        "
apiVersion: v1
kind: Pod
metadata:
  name: {node}
  namespace: default
  labels: {{app.kubernetes.io/name: xdp-gateway, app.kubernetes.io/component: gateway}}
spec:
  nodeName: {node}
  containers: [{{name: gateway, image: x}}]
"
    )
}

/// What the chart permits a daemon, in the namespace of these tests: more than that it must not
/// need.
pub(crate) fn permissions() -> Result<String> {
    let golden = programs::root()?.join("tests/chart/cases/default.golden.yaml");
    let all = fs::read_to_string(golden)?;
    let documents = all.split("\n---\n");
    let ours = documents.filter(|text| text.contains("# Source: xdp-gateway/templates/rbac.yaml"));
    let ours: Vec<&str> = ours.collect();
    ensure!(
        ours.len() == 5,
        "{} of an account, two roles and bindings",
        ours.len()
    );
    Ok(ours
        .join("\n---\n")
        .replace("xdp-gateway-system", "default"))
}

pub(crate) fn demo() -> Result<std::path::PathBuf> {
    Ok(programs::root()?.join(Path::new("examples/demo")))
}
