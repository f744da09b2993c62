//! A directory of files as a source of objects: the last good content of each file is in force.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    World,
    problem::Problem,
    read::{Placed, read, unique},
};
use crate::{api::Kind, name::ObjectName};

/// Files by path. Its state depends on what was said last about each file, and for a broken
/// file on its last good content; not on the order in which files were read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileSet {
    files: BTreeMap<Arc<str>, File>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct File {
    /// Objects of the last content that had no error.
    good: Vec<Placed>,
    /// Problems of the current content.
    problems: Vec<Problem>,
}

impl FileSet {
    /// Takes the content of a file; `None` if it was removed. Returns the file's problems.
    ///
    /// With an error in any document, what the file held before stays in force as a whole.
    pub fn update(&mut self, path: &str, text: Option<&str>) -> Vec<Problem> {
        let path: Arc<str> = path.into();
        let Some(text) = text else {
            self.files.remove(&path);
            return Vec::new();
        };
        let content = read(&path, text);
        let file = self.files.entry(path.clone()).or_default();
        file.problems = content.problems;
        if !file.problems.iter().any(Problem::is_error) {
            file.good = content.objects;
        }
        self.problems()
            .into_iter()
            .filter(|problem| problem.subject() == &*path)
            .collect()
    }

    /// The file is there, but cannot be read: what it held before stays in force.
    pub fn unreadable(&mut self, path: &str, message: &str) -> Vec<Problem> {
        let path: Arc<str> = path.into();
        let file = self.files.entry(path.clone()).or_default();
        file.problems = vec![Problem::of_file(path, message)];
        file.problems.clone()
    }

    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(|path| &**path)
    }

    pub fn world(&self) -> World {
        self.in_force()
            .into_iter()
            .map(|placed| placed.item.clone())
            .collect()
    }

    /// The objects in force, by kind and name.
    pub fn in_force(&self) -> Vec<&Placed> {
        self.objects().0.into_values().collect()
    }

    /// Everything that is wrong right now, in the order of files and lines.
    pub fn problems(&self) -> Vec<Problem> {
        let own = self
            .files
            .values()
            .flat_map(|file| file.problems.iter().cloned());
        let mut problems: Vec<_> = own.chain(self.objects().1).collect();
        problems.sort();
        problems
    }

    /// Where two files define one object, the first path wins.
    fn objects(&self) -> (BTreeMap<(Kind, ObjectName), &Placed>, Vec<Problem>) {
        unique(self.files.values().flat_map(|file| &file.good))
    }
}

#[cfg(test)]
mod tests;
