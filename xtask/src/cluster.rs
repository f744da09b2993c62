//! `cargo xtask cluster`: a real Kubernetes on this machine, each node in namespaces of its own.
//!
//! Nothing of it touches the machine's network, and all of it can be found by name: `down` takes it
//! away whatever state it is in. There is one at a time.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use gateway_tests::wait::wait_until;
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};

use crate::{
    cache::Cache,
    image, privileges,
    process::Job,
    setup,
    steps::{self, Context},
    tools,
};

mod cgroups;
mod components;
mod config;
mod down;
mod images;
mod network;
mod node;
mod pki;
mod plan;
mod status;
mod up;

use plan::{CLIENT, CLIENT_ADDRESS, CLIENT_ADDRESS6, LAN, Node, Plan};

/// One for the machine, as the names of its namespaces are; not below a cache of one user.
const LOCK: &str = "/run/xdp-gateway-cluster.lock";
/// So that there is another node: for backends, addresses and leaders.
const NODES: usize = 2;
const SHORT: Duration = Duration::from_secs(120);
const LOAD: Duration = Duration::from_secs(180);
/// For the lock.
const PATIENCE: Duration = Duration::from_secs(5);
/// Steps of `up` after the programs are there.
const STEPS: usize = 7;

#[derive(Subcommand)]
pub(crate) enum Action {
    /// Build what is missing and start it; does nothing when such a cluster runs already
    Up {
        /// The first one has the control plane, too; default: as many as run already, else two
        #[arg(long)]
        nodes: Option<usize>,
    },
    /// Take everything away, also after a crash
    Down,
    /// What runs, and how to reach it
    Status,
    /// A shell with kubectl and helm in the namespace of the client, or in a node
    Shell {
        /// Inside this node instead
        #[arg(long)]
        node: Option<usize>,
        /// Runs this instead of a shell, and ends with its exit code
        #[arg(last = true)]
        command: Vec<OsString>,
    },
    /// Copy an image into every node
    Load {
        /// A docker-archive; default: the gateway's image, built from this clone
        archive: Option<PathBuf>,
    },
}

/// A cluster that runs, or is just being made.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Its files, the nodes' included.
    state: PathBuf,
    /// The directory with all programs.
    tools: PathBuf,
    plan: Plan,
}

pub(crate) fn run(action: &Action) -> Result<()> {
    match action {
        Action::Up { nodes } => {
            let cluster = Cluster::ensure(*nodes)?;
            println!("{}", status::advice(&cluster));
            Ok(())
        }
        Action::Down => {
            privileges::ensure()?;
            let _lock = lock()?;
            down::down(&state()?)?;
            println!("no cluster is left");
            Ok(())
        }
        Action::Status => match Cluster::running()? {
            Some(cluster) => status::print(&cluster),
            None => {
                println!("no cluster runs");
                Ok(())
            }
        },
        Action::Shell { node, command } => Cluster::expect_running()?.shell(*node, command),
        Action::Load { archive } => {
            let cluster = Cluster::expect_running()?;
            match archive {
                Some(archive) => cluster.load(archive),
                None => cluster.load(&image::build(None)?),
            }
        }
    }
}

impl Cluster {
    /// The running cluster if it has as many nodes and all its components run, else a new one in
    /// its place. Without a number any will do, and a new one has [`NODES`].
    pub(crate) fn ensure(nodes: Option<usize>) -> Result<Self> {
        let plan = nodes.map(Plan::new).transpose()?;
        privileges::ensure()?;
        let context = Self::prepare()?;
        let _lock = lock()?;
        let running = Self::running()?;
        let plan = match (plan, &running) {
            (Some(plan), _) => plan,
            (None, Some(cluster)) => Plan::new(cluster.plan.nodes.len())?,
            (None, None) => Plan::new(NODES)?,
        };
        if let Some(cluster) = running {
            match cluster.unfit(&plan, &tools::programs(&context)?) {
                None => return Ok(cluster),
                Some(reason) => println!("the running cluster is replaced: {reason}"),
            }
        }
        println!("cluster");
        let state = state()?;
        down::down(&state)?;
        fs::create_dir_all(state.join("log"))?;
        let cluster = up::up(&context, state, plan);
        context.end();
        cluster.context(
            "what was started is still there to be looked at; `cargo xtask cluster down` removes it",
        )
    }

    /// Finds or builds the programs of a cluster.
    pub(crate) fn prepare() -> Result<Context> {
        setup::run_for_cluster()?;
        println!("programs");
        let context = Context::new(Cache::open()?, tools::STEPS.len() + 2 + STEPS);
        steps::run(&[tools::GO], &context)?;
        steps::run(tools::STEPS, &context)?;
        steps::run(&[images::STEP], &context)?;
        Ok(context)
    }

    /// The cluster that `up` made, if there is one; some of its parts may have ended.
    pub(crate) fn running() -> Result<Option<Self>> {
        let state = state()?;
        let Ok(text) = fs::read_to_string(state.join(DESCRIPTION)) else {
            return Ok(None);
        };
        let described: Value = serde_json::from_str(&text)?;
        let nodes = described["nodes"].as_array().map_or(0, Vec::len);
        let tools = described["tools"].as_str().unwrap_or_default();
        Ok(Some(Self {
            tools: tools.into(),
            plan: Plan::new(nodes)?,
            state,
        }))
    }

    fn expect_running() -> Result<Self> {
        Self::running()?.context("no cluster runs; `cargo xtask cluster up` starts one")
    }

    /// Why another cluster is needed, if it is.
    fn unfit(&self, wanted: &Plan, programs: &Path) -> Option<String> {
        let (has, wants) = (self.plan.nodes.len(), wanted.nodes.len());
        if has != wants {
            return Some(format!("it has {has} node(s), not {wants}"));
        }
        if self.tools != programs {
            return Some("its programs are of other versions".into());
        }
        if !self.whole().exists() {
            return Some("its making was not finished".into());
        }
        let mut nodes = self.plan.nodes.iter();
        let failure =
            nodes.find_map(|node| node::expect_running(&self.plan, node, &self.var(node)).err());
        failure.map(|error| format!("{error:#}"))
    }

    /// A program to run in the namespace of the client, with `kubectl` and `helm` on its PATH.
    pub(crate) fn job(&self, what: impl Into<String>, program: &str, limit: Duration) -> Job {
        let job = Job::new(what, "nsenter", limit).args(enter_client());
        let job = self
            .environment()
            .iter()
            .fold(job, |job, (name, value)| job.env(name, value));
        job.arg(program)
    }

    /// What `kubectl ARGUMENTS` prints.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let what = format!("kubectl {}", arguments.join(" "));
        let log = self.state.join("log/kubectl");
        Ok(self
            .job(what, "kubectl", SHORT)
            .args(arguments)
            .capture(&log)?)
    }

    /// What a program prints on each node.
    pub(crate) fn on_nodes(&self, program: &[&str]) -> Result<Vec<String>> {
        let log = self.state.join("log/on-nodes");
        let print = |node| {
            let job = Job::new(program.join(" "), "nsenter", SHORT);
            Ok(job.args(node::enter(node)?).args(program).capture(&log)?)
        };
        self.plan.nodes.iter().map(print).collect()
    }

    /// Copies a docker-archive into every node.
    pub(crate) fn load(&self, archive: &Path) -> Result<()> {
        for node in &self.plan.nodes {
            let file = File::open(archive)
                .with_context(|| format!("{} cannot be read", archive.display()))?;
            let what = format!("loading {} into {}", archive.display(), node.name);
            Job::new(what, "nsenter", LOAD)
                .args(node::enter(node)?)
                .arg(format!("{}/ctr", config::TOOLS))
                .args(["--namespace=k8s.io", "images", "import", "-"])
                .input(file)
                .log(&self.state.join("log/load"))?;
        }
        Ok(())
    }

    /// Whether the node's containerd listens.
    fn takes_images(&self, node: &Node) -> bool {
        let ask = || -> Result<String> {
            let job = Job::new("asking containerd", "nsenter", SHORT)
                .args(node::enter(node)?)
                .args([&format!("{}/ctr", config::TOOLS), "version"]);
            Ok(job.capture(&self.state.join("log/load"))?)
        };
        ask().is_ok()
    }

    /// The directory with all programs. Tests are given it in `XDP_GATEWAY_TOOLS`.
    pub(crate) fn tools(&self) -> &Path {
        &self.tools
    }

    /// For the environment variable `KUBECONFIG`.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.state.join("kubeconfig")
    }

    /// The file that says to programs other than this one what there is, as JSON. Tests are given
    /// its path in `XDP_GATEWAY_CLUSTER`.
    pub(crate) fn description(&self) -> PathBuf {
        self.state.join(DESCRIPTION)
    }

    /// Replaces this process by a shell or a command.
    fn shell(&self, node: Option<usize>, command: &[OsString]) -> Result<()> {
        let shell = [env::var_os("SHELL").unwrap_or_else(|| "sh".into())];
        let words = if command.is_empty() { &shell } else { command };
        let mut run = Command::new("nsenter");
        match node {
            None => run.args(enter_client()).envs(self.environment()),
            Some(index) => {
                let nodes = &self.plan.nodes;
                let node = nodes.get(index);
                let node = node.with_context(|| format!("there are {} nodes", nodes.len()))?;
                run.args(node::enter(node)?)
                    .env("KUBECONFIG", format!("{}/admin.kubeconfig", config::HOME))
                    .env("PATH", with_path(Path::new(config::TOOLS)))
            }
        };
        // Returns only if it could not be started.
        Err(run.args(words).exec()).context("nsenter")
    }

    /// For clients of the API server.
    fn environment(&self) -> [(&'static str, OsString); 4] {
        [
            ("KUBECONFIG", self.kubeconfig().into()),
            // What another cluster at this address had is of no use.
            ("KUBECACHEDIR", self.state.join("kubectl").into()),
            ("PATH", with_path(&self.tools)),
            ("XDP_GATEWAY_CLUSTER", self.description().into()),
        ]
    }

    fn describe(&self) -> Result<String> {
        let nodes = self.plan.nodes.iter().map(|node| {
            Ok(json!({
                "name": node.name,
                "namespace": node.namespace,
                "address": node.address,
                "address6": node.address6,
                "var": self.var(node),
                "enter": nsenter(node::enter(node)?),
                "start": format!("{}/start", config::HOME),
            }))
        });
        let nodes = nodes.collect::<Result<Vec<_>>>()?;
        let text = json!({
            "kubeconfig": self.kubeconfig(),
            "tools": self.tools,
            "client": {
                "namespace": CLIENT,
                "enter": nsenter(enter_client()),
                "address": CLIENT_ADDRESS,
                "address6": CLIENT_ADDRESS6,
            },
            "lan": {"namespace": LAN},
            "nodes": nodes,
        });
        Ok(format!("{text:#}\n"))
    }

    /// The file that says that `up` came to its end.
    fn whole(&self) -> PathBuf {
        self.state.join("whole")
    }

    /// What the node sees as /var.
    fn var(&self, node: &Node) -> PathBuf {
        self.state.join(&node.name)
    }
}

const DESCRIPTION: &str = "cluster.json";

fn state() -> Result<PathBuf> {
    Ok(Cache::open()?.path("cluster"))
}

fn enter_client() -> [String; 1] {
    [format!("--net=/run/netns/{CLIENT}")]
}

/// A command line that a program and its arguments complete.
fn nsenter(arguments: impl IntoIterator<Item = String>) -> Vec<String> {
    let all = ["nsenter".to_owned()].into_iter().chain(arguments);
    all.collect()
}

fn with_path(first: &Path) -> OsString {
    let mut path = first.as_os_str().to_owned();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into()));
    path
}

/// Held while a cluster is made or removed.
fn lock() -> Result<File> {
    let file = File::create(LOCK).with_context(|| format!("{LOCK} cannot be opened"))?;
    let locked = || Ok(flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok());
    // A holder that was killed may not have ended yet.
    if wait_until(PATIENCE, "the lock is free", locked).is_err() {
        bail!("another process makes or removes the cluster right now ({LOCK} is locked)");
    }
    Ok(file)
}
