//! One network namespace and what runs in it.

use std::{
    ffi::OsStr,
    fs,
    os::fd::AsFd as _,
    panic::resume_unwind,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use anyhow::{Context, Result, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// One that a [`super::Net`] made is deleted together with it.
#[derive(Clone, Debug)]
pub struct Namespace {
    name: String,
    role: String,
    dir: PathBuf,
}

impl Namespace {
    pub(super) fn create(name: &str, role: &str, dir: &Path) -> Result<Self> {
        output(Command::new("ip").args(["netns", "add", name]))?;
        let namespace = Self {
            name: name.to_owned(),
            role: role.to_owned(),
            dir: dir.to_path_buf(),
        };
        namespace.sysctl("net/ipv6/conf/all/disable_ipv6", "1")?;
        namespace.sysctl("net/ipv6/conf/default/disable_ipv6", "1")?;
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// One that exists and stays; `dir` is for logs.
    pub fn existing(name: &str, role: &str, dir: &Path) -> Self {
        Self {
            name: name.to_owned(),
            role: role.to_owned(),
            dir: dir.to_path_buf(),
        }
    }

    /// Name below /run/netns.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it stands for: client, node, ...
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Where logs of its processes go.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A command that runs inside and is killed when the calling thread ends.
    ///
    /// Not through `ip netns exec`: that one hides the BPF file system.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "nsenter"]);
        command.arg(format!("--net=/run/netns/{}", self.name));
        command.arg(program);
        command
    }

    /// Runs a program inside to its end; gives what it printed.
    ///
    /// # Errors
    /// It does not exit with 0; the message has its standard error.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = A>,
    ) -> Result<String> {
        output(self.command(program).args(args))
    }

    /// Does something on a thread inside: a socket that it opens stays in the namespace.
    ///
    /// # Errors
    /// The namespace cannot be entered, or the work fails.
    pub fn enter<R: Send>(&self, work: impl FnOnce() -> Result<R> + Send) -> Result<R> {
        let file = fs::File::open(format!("/run/netns/{}", self.name))?;
        let inside = move || {
            let kind = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(file.as_fd(), kind).context("cannot enter the namespace")?;
            work()
        };
        let done = thread::scope(|scope| scope.spawn(inside).join());
        done.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// `ip ARGUMENTS` inside.
    ///
    /// # Errors
    /// `ip` fails.
    pub fn ip(&self, arguments: &str) -> Result<String> {
        let mut command = Command::new("ip");
        command.args(["-n", &self.name]).args(arguments.split(' '));
        output(&mut command)
    }

    /// Writes below /proc/sys of the namespace.
    ///
    /// # Errors
    /// No such variable, or no right to write it.
    pub fn sysctl(&self, variable: &str, value: &str) -> Result<()> {
        let script = format!("echo {value} > /proc/sys/{variable}");
        self.run("sh", ["-c", &script]).map(drop)
    }

    /// Every process inside, also those that a process of ours started.
    ///
    /// # Errors
    /// The namespace is gone.
    pub fn pids(&self) -> Result<Vec<u32>> {
        let listed = output(Command::new("ip").args(["netns", "pids", &self.name]))?;
        Ok(listed
            .lines()
            .filter_map(|l| l.trim().parse().ok())
            .collect())
    }

    /// The log of a process that was started with this name.
    pub fn log(&self, process: &str) -> PathBuf {
        self.dir.join(format!("{}-{process}.log", self.role))
    }
}

/// Runs a command to its end; gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let out = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr);
        bail!("{command:?}: {}: {}", out.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Names of the namespaces of this machine.
pub(super) fn all() -> Vec<String> {
    let entries = fs::read_dir("/run/netns").into_iter().flatten();
    entries
        .filter_map(|e| e.ok()?.file_name().into_string().ok())
        .collect()
}
