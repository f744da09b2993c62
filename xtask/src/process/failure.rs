//! Why a program did not do its work, with the end of its log.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use thiserror::Error;

/// Lines of the log that a message shows.
const TAIL: usize = 30;

#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("{what}: `{program}` could not be started: {source}")]
    Start {
        what: String,
        program: String,
        source: io::Error,
    },
    #[error("{what} failed ({status}){tail}")]
    Exit {
        what: String,
        status: ExitStatus,
        tail: String,
    },
    #[error("{what} took longer than {} s and was ended{tail}", limit.as_secs())]
    TooLong {
        what: String,
        limit: Duration,
        tail: String,
    },
    #[error("{what} made no progress for {} s and was ended{tail}", after.as_secs())]
    Silent {
        what: String,
        after: Duration,
        tail: String,
    },
    #[error("interrupted")]
    Interrupted,
    #[error("the log {path} cannot be written: {source}")]
    Log { path: PathBuf, source: io::Error },
}

impl Failure {
    pub(super) fn log(path: &Path, source: io::Error) -> Self {
        Self::Log {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn exit(what: &str, status: ExitStatus, log: Option<&Path>) -> Self {
        Self::Exit {
            what: what.into(),
            status,
            tail: tail(log),
        }
    }

    pub(super) fn too_long(what: &str, limit: Duration, log: Option<&Path>) -> Self {
        Self::TooLong {
            what: what.into(),
            limit,
            tail: tail(log),
        }
    }

    pub(super) fn silent(what: &str, after: Duration, log: Option<&Path>) -> Self {
        Self::Silent {
            what: what.into(),
            after,
            tail: tail(log),
        }
    }

    /// The other side did not answer; asking it again at once is of no use.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Self::TooLong { .. } | Self::Silent { .. })
    }
}

/// The last lines of the log and where the rest is; empty without a log.
fn tail(log: Option<&Path>) -> String {
    let Some(log) = log else {
        return String::new();
    };
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL);
    let shown: String = lines[from..].iter().map(|l| format!("\n  | {l}")).collect();
    format!("; the whole output is in {}{shown}", log.display())
}
