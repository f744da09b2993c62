//! What lies where: entries of the top level, no mod.rs, no paths of somebody's machine.

use std::collections::BTreeSet;

use super::{Finding, files::File};

const ENTRIES: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "charts",
    "clippy.toml",
    "deny.toml",
    "docs",
    "examples",
    "gateway-common",
    "gateway-ebpf",
    "gateway-user",
    "rustfmt.toml",
    "tests",
    "xtask",
];

/// Written in two parts, so that this file does not find itself.
const MACHINE: &[(&str, &str)] = &[
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("/ho", "me/"),
    ("/tm", "p/w/"),
];

pub(super) fn entries(files: &[File]) -> Vec<Finding> {
    let tops: BTreeSet<&str> = files
        .iter()
        .filter_map(|f| f.path.split('/').next())
        .collect();
    let strange = tops
        .into_iter()
        .filter(|top| !top.starts_with('.') && !ENTRIES.contains(top));
    strange
        .map(|top| Finding {
            file: top.into(),
            line: 0,
            advice: "is not an entry of the top level; move it below one of them".into(),
        })
        .collect()
}

pub(super) fn modules(files: &[File]) -> Vec<Finding> {
    let old = files.iter().filter(|f| f.path.ends_with("/mod.rs"));
    old.map(|f| f.finding(0, "name the file after its module: foo.rs beside foo/"))
        .collect()
}

/// Absolute paths that exist on one machine only.
pub(super) fn machine_paths(files: &[File]) -> Vec<Finding> {
    let lines = files
        .iter()
        .flat_map(|f| f.text.lines().enumerate().map(move |l| (f, l)));
    let found = lines.filter_map(|(file, (at, line))| {
        let (a, b) = MACHINE
            .iter()
            .find(|(a, b)| names(line, &[*a, *b].concat()))?;
        let advice = format!("names {a}{b}, a path of one machine; make it relative or an option");
        Some(file.finding(at + 1, advice))
    });
    found.collect()
}

/// Whether the line has the path from the root of the file system, not inside a longer one.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || "._-}".contains(c)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_entries_are_at_the_top() {
        let files = [
            "README.md",
            ".ci/run",
            "xtask/src/main.rs",
            "notes.txt",
            "lib/a.rs",
        ];
        let files = files.map(|path| File::new(path, ""));
        let found: Vec<_> = entries(&files).into_iter().map(|f| f.file).collect();
        assert_eq!(found, ["lib", "notes.txt"]);
    }

    #[test]
    fn a_module_is_named_after_itself() {
        let files = ["xtask/src/tidy/mod.rs", "xtask/src/tidy.rs"].map(|p| File::new(p, ""));
        assert_eq!(modules(&files).len(), 1);
    }

    #[test]
    fn paths_of_a_machine_are_found_anywhere() {
        let machine = ["cd /wo", "rk/main\n"].concat();
        let quoted = ["fine\nsee \"/ro", "ot/.cargo\"\n"].concat();
        let longer = [
            "a.io/wo",
            "rk/x ~/ro",
            "ot/y target/ho",
            "me/z ${X}/ho",
            "me/z",
        ]
        .concat();
        let lines = |text: &str| {
            let found = machine_paths(&[File::new("docs/a.md", text)]).into_iter();
            found.map(|f| f.line).collect::<Vec<_>>()
        };
        assert_eq!(lines(&machine), [1]);
        assert_eq!(lines(&quoted), [2]);
        assert_eq!(lines(&longer), [1]);
        assert!(lines(&longer.replace('~', "x")).is_empty());
    }
}
