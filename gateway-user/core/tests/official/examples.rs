//! The official examples are read without an error, the official invalid ones are not.

use std::{
    fs,
    path::{Path, PathBuf},
};

use gateway_core::world::{FileSet, Problem};

use crate::{exceptions::INVALID_BUT_READ, module};

#[test]
fn examples_are_accepted() {
    let files = yaml_files(&module::directory().join("examples"));
    assert!(files.len() > 50, "only {} examples found", files.len());
    let mut wrong = Vec::new();
    for file in files {
        // Only kinds and versions of later issues may give warnings.
        let fine = |p: &Problem| !p.is_error() && p.message.contains("not read by this version");
        wrong.extend(
            problems(&file)
                .into_iter()
                .filter(|p| !fine(p))
                .map(|p| p.to_string()),
        );
    }
    assert!(wrong.is_empty(), "not accepted:\n{}", wrong.join("\n"));
}

#[test]
fn invalid_examples_are_rejected() {
    let files = yaml_files(&module::directory().join("hack/invalid-examples"));
    assert!(files.len() > 25, "only {} examples found", files.len());
    let listed = |file: &Path| INVALID_BUT_READ.iter().any(|(end, _)| file.ends_with(end));
    let mut wrong = Vec::new();
    for file in files {
        let rejected = problems(&file).iter().any(Problem::is_error);
        match (rejected, listed(&file)) {
            (false, false) => wrong.push(format!("accepted: {}", file.display())),
            (true, true) => wrong.push(format!("stale exception: {}", file.display())),
            _ => (),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn problems(file: &Path) -> Vec<Problem> {
    let text = fs::read_to_string(file).expect("an example");
    FileSet::default().update(&file.display().to_string(), Some(&text))
}

fn yaml_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| {
        panic!(
            "cannot read {}: {error}. {}",
            directory.display(),
            module::HELP
        )
    });
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                yaml_files(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect()
}
