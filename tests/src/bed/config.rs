//! The directory that the daemon reads.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::programs;

pub struct Config {
    dir: PathBuf,
}

impl Config {
    /// # Errors
    /// The directory cannot be created.
    pub fn new(dir: PathBuf) -> Result<Self> {
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self { dir })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Copies every file of examples/demo.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn copy_examples(&self) -> Result<()> {
        let examples = programs::root()?.join("examples/demo");
        let entries = fs::read_dir(&examples);
        for entry in entries.with_context(|| format!("cannot read {}", examples.display()))? {
            let entry = entry?;
            fs::copy(entry.path(), self.dir.join(entry.file_name()))?;
        }
        Ok(())
    }

    /// Writes a file as a careful editor does: the daemon never sees half of it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &str, text: &str) -> Result<()> {
        let draft = self.dir.join(format!(".{file}.draft"));
        fs::write(&draft, text)?;
        fs::rename(&draft, self.dir.join(file)).with_context(|| format!("cannot write {file}"))
    }

    /// Replaces every `old` in a file, which must be there.
    ///
    /// # Errors
    /// `old` is not there, or the file cannot be read or written.
    pub fn replace(&self, file: &str, old: &str, new: &str) -> Result<()> {
        let text = fs::read_to_string(self.dir.join(file))?;
        anyhow::ensure!(text.contains(old), "{file} has no `{old}`");
        self.write(file, &text.replace(old, new))
    }

    /// # Errors
    /// The file is not there.
    pub fn remove(&self, file: &str) -> Result<()> {
        fs::remove_file(self.dir.join(file)).with_context(|| format!("cannot remove {file}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_needs_something_to_replace() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(dir.path().join("config")).unwrap();
        config.write("a.yaml", "weight: 80").unwrap();
        config.replace("a.yaml", "80", "20").unwrap();
        let text = fs::read_to_string(config.dir().join("a.yaml")).unwrap();
        assert_eq!(text, "weight: 20");
        assert!(config.replace("a.yaml", "80", "20").is_err());
    }
}
