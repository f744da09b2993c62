//! The cache outside the clone: built tools, downloaded sources, logs, and what lately failed.
//!
//! `XDP_GATEWAY_CACHE`, else `$XDG_CACHE_HOME/xdp-gateway`, else `~/.cache/xdp-gateway`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, bail};

/// How long a failed attempt is not repeated.
const FAILURE_LASTS: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    pub(crate) fn open() -> Result<Self> {
        let var = |name| {
            env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        };
        let root = var("XDP_GATEWAY_CACHE")
            .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("xdp-gateway")))
            .or_else(|| var("HOME").map(|home| home.join(".cache/xdp-gateway")));
        match root {
            Some(root) => Self::at(&root),
            None => bail!("no place for the cache: set HOME or XDP_GATEWAY_CACHE to a directory"),
        }
    }

    pub(crate) fn at(root: &Path) -> Result<Self> {
        fs::create_dir_all(root)
            .with_context(|| format!("the cache {} cannot be made", root.display()))?;
        let root = root.canonicalize()?;
        Ok(Self { root })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.root.join("log").join(format!("{name}.log"))
    }

    /// Remembers that `what` does not work here, for a day.
    pub(crate) fn remember_failure(&self, what: &str) -> Result<()> {
        let path = self.failure(what);
        fs::write(&path, "").with_context(|| format!("{} cannot be written", path.display()))
    }

    pub(crate) fn failed_lately(&self, what: &str, now: SystemTime) -> bool {
        let since = fs::metadata(self.failure(what)).and_then(|meta| meta.modified());
        // A time in the future is a clock that was set back: try again.
        since.is_ok_and(|since| {
            now.duration_since(since)
                .is_ok_and(|age| age < FAILURE_LASTS)
        })
    }

    /// The file that remembers; deleting it allows another attempt at once.
    pub(crate) fn failure(&self, what: &str) -> PathBuf {
        self.root.join(format!("failed-{what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_remembered_for_a_day() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let cache = Cache::at(&dir.path().join("new")).expect("cache");
        let now = SystemTime::now();
        assert!(!cache.failed_lately("rustup", now));
        cache.remember_failure("rustup").expect("remembered");
        let soon = now + Duration::from_secs(60);
        assert!(cache.failed_lately("rustup", soon));
        assert!(!cache.failed_lately("other", soon));
        assert!(!cache.failed_lately("rustup", soon + FAILURE_LASTS));
        assert!(!cache.failed_lately("rustup", now - Duration::from_secs(3600)));
    }
}
