//! The daemon under test.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    net::Namespace,
    process::Process,
    programs::Programs,
    report::{Answer, HttpReport},
    wait::wait_until,
};

const READY_LIMIT: Duration = Duration::from_secs(90);
const ADMIN: &str = "127.0.0.1:9901";

/// `xdp-gateway run` in a namespace; killed on drop.
pub struct Daemon {
    process: Process,
    node: Namespace,
    pins: PathBuf,
}

impl Daemon {
    /// Starts it; it may not be ready yet.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(node: &Namespace, config: &Path, pins: &Path, more: &[&str]) -> Result<Self> {
        let mut source = vec!["--config".into(), config.into()];
        source.extend(more.iter().map(Into::into));
        let gateway = &Programs::get()?.gateway;
        let process = Process::server(node, "daemon", gateway, arguments(pins, source))?;
        Ok(Self::of(process, node, pins))
    }

    /// As [`Daemon::start`], with no other privileges than these of setpriv(1), as `net_admin`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn confined(
        node: &Namespace,
        config: &Path,
        pins: &Path,
        capabilities: &[String],
    ) -> Result<Self> {
        let bound: String = capabilities
            .iter()
            .map(|name| format!(",+{name}"))
            .collect();
        let bound = format!("--bounding-set=-all{bound}").into();
        let gateway = Programs::get()?.gateway.clone().into();
        let mut command = vec![
            "--no-new-privs".into(),
            "--inh-caps=-all".into(),
            bound,
            gateway,
        ];
        command.extend(arguments(pins, vec!["--config".into(), config.into()]));
        let process = Process::server(node, "daemon", "setpriv", command)?;
        Ok(Self::of(process, node, pins))
    }

    /// As [`Daemon::start`], with the objects of the API server that `kubeconfig` names.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn kubernetes(
        node: &Namespace,
        kubeconfig: &Path,
        pins: &Path,
        more: &[&str],
    ) -> Result<Self> {
        let source = [
            "--kubernetes",
            "--node-name",
            "node",
            "--namespace",
            "default",
        ];
        let source = source.iter().chain(more).map(Into::into).collect();
        let mut kubeconfig_is = OsString::from("KUBECONFIG=");
        kubeconfig_is.push(kubeconfig);
        let mut command = vec![kubeconfig_is, Programs::get()?.gateway.clone().into()];
        command.extend(arguments(pins, source));
        let process = Process::server(node, "daemon", "env", command)?;
        Ok(Self::of(process, node, pins))
    }

    fn of(process: Process, node: &Namespace, pins: &Path) -> Self {
        Self {
            process,
            node: node.clone(),
            pins: pins.to_path_buf(),
        }
    }

    /// # Errors
    /// It ends, or takes too long; the message has its log.
    pub fn wait_ready(&mut self) -> Result<()> {
        self.wait_ready_for(READY_LIMIT)
    }

    /// The same, for so long: a daemon without optimisations takes its time for many objects.
    ///
    /// # Errors
    /// As [`Daemon::wait_ready`].
    pub fn wait_ready_for(&mut self, limit: Duration) -> Result<()> {
        let node = self.node.clone();
        let ready = wait_until(limit, "the daemon is ready", || {
            self.process.expect_running()?;
            Ok(get(&node, "/readyz").is_ok_and(|answer| answer.status == 200))
        });
        ready.with_context(|| self.log()).map(drop)
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn log(&self) -> String {
        self.process.log()
    }

    /// SIGKILL: what it had pinned stays.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()
    }

    /// SIGTERM, and the end of it.
    ///
    /// # Errors
    /// It does not end.
    pub fn terminate(mut self) -> Result<ExitStatus> {
        self.process.terminate(READY_LIMIT)
    }

    /// GET from the admin address.
    ///
    /// # Errors
    /// No answer, or not 200.
    pub fn admin(&self, path: &str) -> Result<String> {
        let answer = get(&self.node, path)?;
        ensure!(
            answer.status == 200,
            "{path}: {}: {}",
            answer.status,
            answer.body
        );
        Ok(answer.body)
    }

    /// `xdp-gateway status -o json`.
    ///
    /// # Errors
    /// The command fails, or prints no JSON.
    pub fn status(&self) -> Result<Value> {
        let text = self.command(&["status", "--admin", ADMIN, "-o", "json"])?;
        serde_json::from_str(&text).with_context(|| format!("no JSON: {text}"))
    }

    /// `xdp-gateway status`, for people.
    ///
    /// # Errors
    /// The command fails.
    pub fn status_text(&self) -> Result<String> {
        self.command(&["status", "--admin", ADMIN])
    }

    fn command(&self, arguments: &[&str]) -> Result<String> {
        self.node.run(&Programs::get()?.gateway, arguments)
    }

    pub fn pins(&self) -> &Path {
        &self.pins
    }
}

/// `xdp-gateway unload`.
///
/// # Errors
/// The command fails.
pub fn unload(node: &Namespace, pins: &Path) -> Result<String> {
    let pins = pins.display().to_string();
    node.run(&Programs::get()?.gateway, ["unload", "--pin-dir", &pins])
}

fn arguments(pins: &Path, source: Vec<OsString>) -> Vec<OsString> {
    let mut arguments = vec!["run".into()];
    arguments.extend(source);
    arguments.extend(["--pin-dir".into(), pins.into()]);
    arguments.extend(["--admin".into(), ADMIN.into()]);
    arguments
}

fn get(node: &Namespace, path: &str) -> Result<Answer> {
    let arguments = [
        "http",
        "--to",
        ADMIN,
        "--host",
        "localhost",
        "--count",
        "1",
        "--path",
        path,
    ];
    let report = Process::client(node, "admin", &Programs::get()?.peer, arguments)?;
    let report: HttpReport = report.report()?;
    report.last.with_context(|| report.errors.join("; "))
}
