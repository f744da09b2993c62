//! A real API server: etcd and kube-apiserver on the loopback of a namespace, with `kubectl`.
//!
//! Its programs are taken from the directory that `XDP_GATEWAY_TOOLS` names.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    net::{Namespace, namespace::output},
    process::Process,
    wait::wait_until,
};

const TOOLS: &str = "XDP_GATEWAY_TOOLS";
const MODULE: &str = "sigs.k8s.io/gateway-api@v1.6.3";
const LISTENS: Duration = Duration::from_secs(60);
const ADDRESS: &str = "https://127.0.0.1:6443";
const TOKEN: &str = "token-of-the-tests";
const DAEMON_TOKEN: &str = "token-of-the-daemon";
/// Whose permissions the daemon has.
const DAEMON: &str = "system:serviceaccount:default:xdp-gateway";

/// Ends with its owner; what it stores is in the namespace's directory.
pub struct ApiServer {
    // Fields are dropped in this order: the server before its store.
    server: Option<Process>,
    _etcd: Process,
    namespace: Namespace,
    dir: PathBuf,
    tools: PathBuf,
}

impl ApiServer {
    /// Starts both and returns when the API server is ready. It has the kinds of Kubernetes only.
    ///
    /// # Errors
    /// A program is missing, ends, or is not ready in time.
    pub fn start(namespace: &Namespace) -> Result<Self> {
        let tools = tools()?;
        let dir = namespace.dir().join("apiserver");
        fs::create_dir_all(&dir)?;
        prepare(&dir)?;
        let store = dir.join("etcd").display().to_string();
        let arguments = ["--unsafe-no-fsync", "--data-dir", &store];
        let etcd = Process::server(namespace, "etcd", tools.join("etcd"), arguments)?;
        let mut all = Self {
            server: None,
            _etcd: etcd,
            namespace: namespace.clone(),
            dir,
            tools,
        };
        all.resume()?;
        Ok(all)
    }

    /// Starts the API server again after [`ApiServer::stop`], with what it stored.
    ///
    /// # Errors
    /// As [`ApiServer::start`].
    pub fn resume(&mut self) -> Result<()> {
        let program = self.tools.join("kube-apiserver");
        let mut server =
            Process::server(&self.namespace, "apiserver", program, arguments(&self.dir))?;
        let ready = wait_until(LISTENS, "the API server is ready", || {
            server.expect_running()?;
            Ok(self.kubectl("get --raw /readyz").is_ok())
        });
        ready.with_context(|| server.log())?;
        self.server = Some(server);
        Ok(())
    }

    /// Kills the API server, not its store.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn stop(&mut self) -> Result<()> {
        self.server
            .take()
            .map_or(Ok(()), |mut server| server.kill())
    }

    /// For the environment variable `KUBECONFIG`: of one who may do anything.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    /// As [`ApiServer::kubeconfig`], of one who may do what its Role and ClusterRole say: the
    /// service account `xdp-gateway` of namespace `default`.
    pub fn daemon_kubeconfig(&self) -> PathBuf {
        self.dir.join("daemon.kubeconfig")
    }

    /// Runs `kubectl ARGUMENTS` to its end; gives what it printed.
    ///
    /// # Errors
    /// It fails; the message says how.
    pub fn kubectl(&self, arguments: &str) -> Result<String> {
        let mut command = self.namespace.command(self.tools.join("kubectl"));
        command.env("KUBECONFIG", self.kubeconfig());
        command.env("KUBECACHEDIR", self.dir.join("cache"));
        output(command.args(arguments.split_whitespace()))
    }

    /// `kubectl apply` of manifests, by the server.
    ///
    /// # Errors
    /// As [`ApiServer::kubectl`].
    pub fn apply(&self, manifests: &str) -> Result<()> {
        let file = self.dir.join("apply.yaml");
        fs::write(&file, manifests)?;
        self.apply_path(&file)
    }

    /// As [`ApiServer::apply`], for a file, or a directory of files.
    ///
    /// # Errors
    /// As [`ApiServer::kubectl`].
    pub fn apply_path(&self, path: &Path) -> Result<()> {
        let path = path.display();
        self.kubectl(&format!("apply --server-side --force-conflicts -f {path}"))
            .map(drop)
    }

    /// `kubectl replace` of an object.
    ///
    /// # Errors
    /// As [`ApiServer::kubectl`].
    pub fn replace(&self, object: &serde_json::Value) -> Result<()> {
        let file = self.dir.join("replace.json");
        fs::write(&file, object.to_string())?;
        self.kubectl(&format!("replace -f {}", file.display()))
            .map(drop)
    }

    /// Installs CRDs of the official Gateway API, by their plural names, and waits for them.
    ///
    /// # Errors
    /// They cannot be downloaded, or are not established.
    pub fn install(&self, plurals: &[&str]) -> Result<()> {
        for plural in plurals {
            self.apply_path(&crd(plural)?)?;
        }
        for plural in plurals {
            self.established(&format!("{plural}.gateway.networking.k8s.io"))?;
        }
        Ok(())
    }

    /// Waits until a CRD is served.
    ///
    /// # Errors
    /// As [`ApiServer::kubectl`].
    pub fn established(&self, crd: &str) -> Result<()> {
        let wait = "wait --for=condition=Established --timeout=30s";
        self.kubectl(&format!("{wait} crd/{crd}")).map(drop)
    }
}

/// The CRD of a kind, from the experimental channel of the official Gateway API.
///
/// # Errors
/// It cannot be downloaded.
pub fn crd(plural: &str) -> Result<PathBuf> {
    let mut go = Command::new("go");
    go.args(["mod", "download", "-json", MODULE]);
    // Outside of any Go module.
    let module = output(go.current_dir(env::temp_dir()))?;
    let module: serde_json::Value = serde_json::from_str(&module)?;
    let dir = module["Dir"]
        .as_str()
        .context("no directory of the Go module")?;
    let file = format!("config/crd/experimental/gateway.networking.k8s.io_{plural}.yaml");
    Ok(Path::new(dir).join(file))
}

fn tools() -> Result<PathBuf> {
    let Some(dir) = env::var_os(TOOLS).map(PathBuf::from) else {
        bail!("set {TOOLS} to a directory with etcd, kube-apiserver and kubectl");
    };
    for program in ["etcd", "kube-apiserver", "kubectl"] {
        let path = dir.join(program);
        ensure!(path.is_file(), "{TOOLS}: there is no {}", path.display());
    }
    Ok(dir)
}

/// Writes a key for service accounts, tokens, and a kubeconfig with each.
fn prepare(dir: &Path) -> Result<()> {
    let key = dir.join("sa.key");
    let mut openssl = Command::new("openssl");
    openssl.args([
        "ecparam",
        "-name",
        "prime256v1",
        "-genkey",
        "-noout",
        "-out",
    ]);
    output(openssl.arg(&key))?;
    let tokens = format!("{TOKEN},tests,tests,system:masters\n{DAEMON_TOKEN},{DAEMON},daemon\n");
    fs::write(dir.join("tokens.csv"), tokens)?;
    // The server makes its certificate when it starts for the first time.
    let certificate = dir.join("apiserver.crt");
    let certificate = certificate.display();
    for (name, token) in [("kubeconfig", TOKEN), ("daemon.kubeconfig", DAEMON_TOKEN)] {
        let kubeconfig = format!(
            "apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: '{ADDRESS}', certificate-authority: {certificate}}}}}]
users: [{{name: u, user: {{token: {token}}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"
        );
        fs::write(dir.join(name), kubeconfig)?;
    }
    Ok(())
}

fn arguments(dir: &Path) -> Vec<String> {
    let at = |name: &str| dir.join(name).display().to_string();
    let key = at("sa.key");
    [
        ("etcd-servers", "http://127.0.0.1:2379"),
        ("cert-dir", &at("")),
        ("bind-address", "127.0.0.1"),
        ("advertise-address", "127.0.0.1"),
        ("endpoint-reconciler-type", "none"),
        ("secure-port", "6443"),
        ("service-cluster-ip-range", "10.96.0.0/16"),
        ("authorization-mode", "RBAC"),
        ("token-auth-file", &at("tokens.csv")),
        ("service-account-issuer", "https://kubernetes.default.svc"),
        ("service-account-key-file", &key),
        ("service-account-signing-key-file", &key),
        // Stopped servers need not wait for their watches.
        ("shutdown-watch-termination-grace-period", "0s"),
    ]
    .map(|(flag, value)| format!("--{flag}={value}"))
    .to_vec()
}
