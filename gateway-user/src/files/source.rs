//! Files as a source of objects: what they say now, and what is wrong with them.

use std::{collections::BTreeSet, path::PathBuf};

use gateway_core::world::{FileSet, Problem, World};

use super::{Content, Listing, Reader, ScanError, list};

/// Objects in a set of files and directories.
#[derive(Debug)]
pub struct Source {
    roots: Vec<PathBuf>,
    reader: Reader,
    files: FileSet,
}

/// What a refresh found.
#[derive(Debug)]
pub struct Refreshed {
    /// Files that are new, different, or gone.
    pub changed: usize,
    /// Directories in which a change matters.
    pub watched: BTreeSet<PathBuf>,
}

impl Source {
    /// `roots`: directories, and files whatever their names are.
    pub fn new(roots: Vec<PathBuf>) -> Self {
        let (reader, files) = Default::default();
        Self {
            roots,
            reader,
            files,
        }
    }

    /// Reads what changed since the last call.
    ///
    /// # Errors
    /// Where a root is missing or cannot be listed; what was read before stays in force.
    pub fn refresh(&mut self) -> Result<Refreshed, ScanError> {
        let mut all = Listing::default();
        for root in &self.roots {
            if root.is_file() {
                all.files.insert(root.clone());
            } else {
                let found = list(root)?;
                all.files.extend(found.files);
                all.watched.extend(found.watched);
            }
        }
        let changes = self.reader.read(all.files.iter().map(PathBuf::as_path));
        for change in &changes {
            self.take(&change.path.display().to_string(), change.content.as_ref());
        }
        Ok(Refreshed {
            changed: changes.len(),
            watched: all.watched,
        })
    }

    fn take(&mut self, path: &str, content: Option<&Content>) {
        match content {
            None => drop(self.files.update(path, None)),
            Some(Ok(text)) => drop(self.files.update(path, Some(text))),
            Some(Err(error)) => drop(self.files.unreadable(path, error)),
        }
    }

    /// The objects in force.
    pub fn world(&self) -> World {
        self.files.world()
    }

    pub fn problems(&self) -> Vec<Problem> {
        self.files.problems()
    }
}
