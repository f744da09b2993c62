//! The Helm chart as helm renders it: golden manifests, the schema of its values, its alerts.

mod alerts;
mod arguments;
mod helm;
mod values;

use std::{
    fs,
    path::{Path, PathBuf},
};

use helm::{lint, render};

/// How to bring the files up to date.
const REFRESH: &str = "if this is right, refresh the files with UPDATE_GOLDEN=1";

/// The root of the clone.
fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("chart/cases")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn renders_what_the_golden_files_say() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    for name in ["minimal", "default", "full"] {
        let values = cases().join(format!("{name}.yaml"));
        let golden = cases().join(format!("{name}.golden.yaml"));
        let found = render(&values).expect("values that the chart accepts");
        if update {
            fs::write(&golden, found).expect("a writable golden file");
            continue;
        }
        let expected = read(&golden);
        let at = found
            .lines()
            .zip(expected.lines())
            .position(|(a, b)| a != b);
        assert!(
            found == expected,
            "{name}: differs from line {} on\n{REFRESH}\n{found}",
            at.map_or(0, |at| at + 1)
        );
    }
}

#[test]
fn helm_finds_nothing_to_complain_about() {
    for name in ["minimal", "default", "full"] {
        let values = cases().join(format!("{name}.yaml"));
        lint(&values).unwrap_or_else(|said| panic!("{name}: {said}"));
    }
}
