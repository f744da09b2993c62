//! Files as users write them, and what reading them gives: one YAML file for each case, the
//! problems and objects that are expected in a comment at its end.
//!
//! `UPDATE_GOLDEN=1 cargo test -p gateway-core --test read` rewrites what is expected.

#![allow(
    clippy::disallowed_methods,
    reason = "the core is pure, its tests read files"
)]

use std::{env, fmt::Write, fs, path::PathBuf};

use gateway_core::world::{FileSet, Placed};

const MARKER: &str = "\n# ---- expected ----\n";

#[test]
fn golden() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/read");
    let entries = fs::read_dir(&directory).expect("the directory of cases");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no case in {}", directory.display());
    let mut wrong = String::new();
    for path in paths {
        let text = fs::read_to_string(&path).expect("a case");
        let input = text.split(MARKER).next().unwrap_or_default();
        let found = format!("{input}{MARKER}{}", reading(input));
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, found).expect("a case that can be written");
        } else if found != text {
            let _ = writeln!(wrong, "{}:\n{found}", path.display());
        }
    }
    assert!(
        wrong.is_empty(),
        "not as expected (UPDATE_GOLDEN=1 accepts this):\n{wrong}"
    );
}

/// The manifests that we tell users to copy.
#[test]
fn our_examples_have_no_problems() {
    let mut files = FileSet::default();
    let mut directories = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("the directory of examples") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                let text = fs::read_to_string(&path).expect("an example");
                files.update(&path.display().to_string(), Some(&text));
            }
        }
    }
    assert_ne!(files.in_force(), [] as [&Placed; 0]);
    assert_eq!(files.problems(), []);
}

/// Whatever a file holds, it is reported, not a reason to stop.
#[test]
fn no_text_is_too_broken() {
    let text = include_str!("read/http_filters.yaml");
    let cut = (0..text.len()).step_by(7).map(|end| text[..end].to_owned());
    let deep = ["[", "{a: ", "- "].map(|open| open.repeat(100_000));
    let closed = format!("{}1{}", "{a: ".repeat(60), "}".repeat(60));
    let laughs = format!(
        "a: &a [{}]\nb: [{}]\n",
        "x,".repeat(1000),
        "*a,".repeat(100_000)
    );
    for text in cut.chain(deep).chain([closed, laughs]) {
        let mut files = FileSet::default();
        let problems = files.update("a.yaml", Some(&text));
        assert!(problems.is_empty() || files.in_force().is_empty());
    }
}

/// Problems, then the objects in force, as comment lines.
fn reading(input: &str) -> String {
    let mut files = FileSet::default();
    files.update("case.yaml", Some(input));
    let mut out = String::new();
    for problem in files.problems() {
        let _ = writeln!(out, "# {problem}");
    }
    let placed = files.in_force();
    for placed in &placed {
        let _ = writeln!(out, "# in force: {}", placed.item);
    }
    if placed.is_empty() {
        out.push_str("# in force: nothing\n");
    }
    out
}
