//! The network of the demo, with a Gateway for the judges and the server of gRPC.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use gateway_tests::{bed::Bed, daemon::Daemon, process::Process, wait::wait_until};

use super::{
    Verdict,
    manifests::{self, GRPC},
};
use crate::process::{Failure, Job};

pub(super) const BUILD: Duration = Duration::from_secs(1800);
const LISTEN: Duration = Duration::from_secs(20);

pub(super) struct Site {
    // Fields are dropped in this order: processes before their namespaces.
    daemon: Daemon,
    _server: Process,
    bed: Bed,
    /// File with the certificate that the Gateway shows.
    pub(super) certificate: PathBuf,
    /// Length of the gateway's log when nobody had asked it for anything.
    quiet: usize,
}

/// A program that has ended.
pub(super) struct Ended {
    /// All that it said.
    pub(super) said: String,
    pub(super) result: Result<(), Failure>,
}

impl Site {
    /// Everything runs; `server` is gRPC's.
    pub(super) fn new(server: &Path) -> Result<Self> {
        let bed = Bed::new()?;
        let (manifests, certificate) = manifests::make()?;
        bed.config.write("interop.yaml", &manifests)?;
        let file = bed.net.dir().join("interop.crt");
        fs::write(&file, certificate).with_context(|| file.display().to_string())?;
        let server = serve(&bed, server)?;
        let daemon = bed.daemon()?;
        let quiet = daemon.log().len();
        Ok(Self {
            daemon,
            _server: server,
            bed,
            certificate: file,
            quiet,
        })
    }

    /// Runs a program to its end where clients are.
    pub(super) fn run(
        &self,
        what: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        limit: Duration,
    ) -> Ended {
        let mut said = String::new();
        let namespace = format!("--net=/run/netns/{}", self.bed.client.name());
        let result = Job::new(what, "nsenter", limit)
            .arg(namespace)
            .args(["sh", "-c", "exec \"$0\" \"$@\" 2>&1"])
            .arg(program)
            .args(arguments)
            .lines(&mut |line| {
                said.push_str(line);
                said.push('\n');
            });
        Ended { said, result }
    }

    pub(super) fn log(&self) -> String {
        self.daemon.log()
    }

    /// Judges what the gateway logged since it was ready: no client can make it warn of anything, or
    /// any client could fill its log.
    pub(super) fn judge_log(&self) -> Result<Verdict> {
        self.daemon.status().context("the gateway is gone")?;
        let log = self.log();
        let since = log.get(self.quiet..).context("the log has shrunk")?;
        let objections = warnings(since);
        Ok(Verdict {
            summary: format!("{} different warnings", objections.len()),
            notes: Vec::new(),
            objections,
        })
    }
}

/// Each different one once.
fn warnings(log: &str) -> Vec<String> {
    let grave = |line: &&str| {
        [" WARN ", " ERROR ", "panicked"]
            .iter()
            .any(|mark| line.contains(mark))
    };
    // Without the time.
    let text = |line: &str| {
        line.split_once(' ')
            .map_or(line, |(_, text)| text)
            .trim()
            .to_owned()
    };
    let mut all: Vec<_> = log.lines().filter(grave).map(text).collect();
    all.sort();
    all.dedup();
    all
}

fn serve(bed: &Bed, program: &Path) -> Result<Process> {
    let port = GRPC.1.to_string();
    // Else it does not say when it listens.
    let level = OsStr::new("GRPC_GO_LOG_SEVERITY_LEVEL=info");
    let command = [level, program.as_ref(), "--port".as_ref(), port.as_ref()];
    let mut server = Process::server(&bed.app1, "grpc-server", "env", command)?;
    wait_until(LISTEN, "the server of gRPC listens", || {
        server.expect_running()?;
        Ok(server.log().contains("listening"))
    })?;
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_told_once_and_without_their_time() {
        let log = "2026-01-01T00:00:00Z  INFO in force\n\
                   2026-01-01T00:00:01Z  WARN odd\n\
                   2026-01-01T00:00:02Z  WARN odd\n\
                   thread 'worker' panicked at here\n";
        assert_eq!(warnings(log), ["'worker' panicked at here", "WARN odd"]);
        assert!(warnings("2026-01-01T00:00:00Z  INFO in force\n").is_empty());
    }
}
