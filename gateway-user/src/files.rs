//! Manifests in a directory: which files count, reading them, following their changes.
//!
//! Files are `*.yaml` and `*.yml` in the directory itself and in the directories directly in it;
//! names that start with a dot do not count (editors' files, and `..data` of a mounted ConfigMap,
//! whose entries are symbolic links beside it).

mod debounce;
mod scan;
mod source;
mod watch;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use self::{
    scan::{Listing, ScanError, list},
    source::{Refreshed, Source},
    watch::Watch,
};

/// What was found at a path: the text, or why it could not be read.
pub type Content = Result<String, String>;

/// Remembers what was read, to tell which files changed.
#[derive(Debug, Default)]
pub struct Reader {
    last: BTreeMap<PathBuf, Content>,
}

/// A file that is new, different, or gone (`None`).
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    pub path: PathBuf,
    pub content: Option<Content>,
}

impl Reader {
    /// Reads `files` and returns those whose content is not that of the last call, in order.
    pub fn read<'a>(&mut self, files: impl IntoIterator<Item = &'a Path>) -> Vec<Change> {
        let now: BTreeMap<PathBuf, Content> = files
            .into_iter()
            .map(|path| (path.to_owned(), read(path)))
            .collect();
        let gone = self.last.keys().filter(|path| !now.contains_key(*path));
        let gone = gone.map(|path| Change {
            path: path.clone(),
            content: None,
        });
        let other = now
            .iter()
            .filter(|(path, content)| self.last.get(*path) != Some(*content));
        let other = other.map(|(path, content)| Change {
            path: path.clone(),
            content: Some(content.clone()),
        });
        let changes = gone.chain(other).collect();
        self.last = now;
        changes
    }
}

/// Regular files only: reading a pipe or a device may never end.
fn read(path: &Path) -> Content {
    let error = |error| format!("cannot be read: {error}");
    if !std::fs::metadata(path).map_err(error)?.is_file() {
        return Err("is not a regular file: put the manifest in one".into());
    }
    std::fs::read_to_string(path).map_err(error)
}

#[cfg(test)]
mod tests;
