//! Processes in a namespace, which do not outlive us.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Read,
    path::PathBuf,
    process::{Child, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::de::DeserializeOwned;

use crate::{net::Namespace, wait::wait_until};

const GOES_ON: Duration = Duration::from_secs(20);

/// Killed on drop. Its log is a file, its standard input open until it ends.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a server: all that it prints is its log. `name` is for the log and for messages.
    ///
    /// # Errors
    /// The program or the log cannot be opened.
    pub fn server<A: AsRef<OsStr>>(
        namespace: &Namespace,
        name: &str,
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Self> {
        Self::spawn(namespace, name, program, args, |log| {
            Ok(log.try_clone()?.into())
        })
    }

    /// Starts a client: its standard output is its report, the rest its log.
    ///
    /// # Errors
    /// As [`Process::server`].
    pub fn client<A: AsRef<OsStr>>(
        namespace: &Namespace,
        name: &str,
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Self> {
        Self::spawn(namespace, name, program, args, |_| Ok(Stdio::piped()))
    }

    fn spawn<A: AsRef<OsStr>>(
        namespace: &Namespace,
        name: &str,
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = A>,
        stdout: impl FnOnce(&File) -> Result<Stdio>,
    ) -> Result<Self> {
        let log = namespace.log(name);
        // Appended to: two processes of one name, one after the other, share their log.
        let to = File::options().create(true).append(true).open(&log);
        let to = to.with_context(|| format!("cannot write {}", log.display()))?;
        let child = namespace
            .command(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(stdout(&to)?)
            .stderr(to)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let name = name.to_owned();
        Ok(Self { name, child, log })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far.
    pub fn log(&self) -> String {
        fs::read(&self.log)
            .map(|b| String::from_utf8_lossy(&b).into_owned())
            .unwrap_or_default()
    }

    /// # Errors
    /// It has ended; the message has its log.
    pub fn expect_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended early ({status}):\n{}", self.name, self.log()),
        }
    }

    /// SIGKILL: no last words.
    ///
    /// # Errors
    /// The process cannot be waited for.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// It has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal)
            .with_context(|| format!("cannot send a signal to {}", self.name))
    }

    /// SIGTERM, then waits for the end.
    ///
    /// # Errors
    /// It is still there after `limit`.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let what = format!("{} ends after SIGTERM", self.name);
        wait_until(limit, &what, || Ok(self.child.try_wait()?.is_some()))?;
        Ok(self.child.wait()?)
    }

    /// Closes its standard input, which tells a client to stop, and reads its report.
    ///
    /// # Errors
    /// It does not exit with 0, or what it printed is no report.
    pub fn finish<R: DeserializeOwned>(mut self) -> Result<R> {
        drop(self.child.stdin.take());
        self.report()
    }

    /// Waits until it ends by itself, and reads its report.
    ///
    /// # Errors
    /// As [`Process::finish`].
    pub fn report<R: DeserializeOwned>(mut self) -> Result<R> {
        let mut said = String::new();
        if let Some(stdout) = &mut self.child.stdout {
            stdout.read_to_string(&mut said)?;
        }
        let status = self.child.wait()?;
        if !status.success() {
            bail!("{} failed ({status}):\n{}", self.name, self.log());
        }
        serde_json::from_str(&said).map_err(|e| anyhow!("{}: {e}: {said}", self.name))
    }

    /// Waits until a client has come further by `steps`.
    ///
    /// # Errors
    /// It ends, or gets stuck.
    pub fn goes_on(&mut self, steps: u64) -> Result<()> {
        let from = self.progress();
        let what = format!("{} goes on", self.name);
        wait_until(GOES_ON, &what, || {
            self.expect_running()?;
            Ok(self.progress() >= from + steps)
        })?;
        Ok(())
    }

    /// The number that a client wrote last to its log: how far it is.
    pub fn progress(&self) -> u64 {
        self.log()
            .lines()
            .rev()
            .find_map(|line| line.parse().ok())
            .unwrap_or(0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only for a process that has ended, which is what is wanted.
        let _ = self.kill();
    }
}
