//! `cargo xtask tidy`: the rules of the code that no other tool knows.
//!
//! A rule is a function from the files of the repository to what is wrong with them.

use std::fmt;

use anyhow::{Result, bail};

use crate::workspace;

mod arrows;
mod files;
mod layout;
mod manifests;
mod reasons;
mod shape;
mod skipped;
mod tokens;
mod unsafe_code;

use files::File;

type Rule = fn(&[File]) -> Vec<Finding>;

const RULES: &[Rule] = &[
    arrows::check,
    layout::entries,
    layout::modules,
    layout::machine_paths,
    reasons::check,
    shape::first_line,
    shape::length,
    shape::median,
    skipped::check,
    unsafe_code::check,
];

/// Something to mend.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    /// From 1; 0 speaks of the whole file.
    line: usize,
    /// The rule, and what to do.
    advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.advice),
            line => write!(f, "{}:{line}: {}", self.file, self.advice),
        }
    }
}

pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let files = files::read(&root)?;
    let mut findings: Vec<_> = RULES.iter().flat_map(|rule| rule(&files)).collect();
    findings.extend(manifests::check(&root)?);
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy: {} to mend, listed above", findings.len());
    }
    println!(
        "tidy: {} files, median of {} lines in Rust",
        files.len(),
        shape::median_of(&files)
    );
    Ok(())
}
