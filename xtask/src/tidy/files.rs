//! The files of the repository: tracked, or new and not ignored.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};

use super::{
    Finding,
    tokens::{self, Token},
};
use crate::{cache::Cache, process::Job};

const ASK: Duration = Duration::from_secs(30);

/// A text file; `tokens` is empty unless it is Rust.
pub(super) struct File {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
}

impl File {
    /// Text that does not lex has no tokens; rustc will say more about it.
    pub(super) fn new(path: &str, text: &str) -> Self {
        let rust = path.ends_with(".rs");
        Self {
            path: path.into(),
            text: text.into(),
            tokens: if rust { tokens::lex(text) } else { Vec::new() },
        }
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Only compiled for tests: below a `tests` directory, or a module of that name.
    pub(super) fn is_test(&self) -> bool {
        let parts = self.path.split('/');
        parts
            .map(|part| part.trim_end_matches(".rs"))
            .any(|part| part == "tests")
    }

    /// The tokens before the tests at the end of the file.
    pub(super) fn product(&self) -> &[Token] {
        if self.is_test() {
            return &[];
        }
        let end = tokens::start_of_tests(&self.tokens);
        &self.tokens[..end]
    }

    pub(super) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    pub(super) fn finding(&self, line: usize, advice: impl Into<String>) -> Finding {
        Finding {
            file: self.path.clone(),
            line,
            advice: advice.into(),
        }
    }
}

/// Every text file below `root` that git does not ignore.
pub(super) fn read(root: &Path) -> Result<Vec<File>> {
    let list = Job::new("listing the files", "git", ASK)
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "--deduplicate",
        ])
        .dir(root)
        .capture(&Cache::open()?.log("tidy"))
        .context("tidy needs a git clone")?;
    let mut files = Vec::new();
    for path in list.lines() {
        let full = root.join(path);
        // Deleted and not yet committed, or a link to a directory.
        if !full.is_file() {
            continue;
        }
        let bytes = std::fs::read(&full).with_context(|| path.to_owned())?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File::new(path, &text));
        }
    }
    Ok(files)
}
