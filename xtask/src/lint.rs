//! `cargo xtask lint`: what must hold before a change lands, besides the tests.
//!
//! Every stage runs, also after a failure, so that one run shows all there is to mend.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{process::Job, setup, tidy, workspace};

mod bpf;
mod deny;
mod official;

type Stage = (&'static str, fn() -> Result<()>);

const STAGES: &[Stage] = &[
    ("setup", setup::run_with_go),
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("clippy for BPF", bpf::clippy),
    ("deny", deny::run),
    ("official API", official::run),
];
const SHORT: Duration = Duration::from_secs(120);
const LINT: Duration = Duration::from_secs(1500);

pub(crate) fn run() -> Result<()> {
    let mut rows = Vec::new();
    for (name, stage) in STAGES {
        println!("== {name}");
        let start = Instant::now();
        let result = stage();
        if let Err(error) = &result {
            println!("{name}: {error:#}");
        }
        rows.push((*name, result.is_ok(), start.elapsed()));
    }
    println!("{}", table(&rows));
    if rows.iter().any(|(_, ok, _)| !ok) {
        bail!("not everything holds, see the table above");
    }
    Ok(())
}

fn fmt() -> Result<()> {
    cargo("cargo fmt", SHORT, &["fmt", "--all", "--check"])
}

fn clippy() -> Result<()> {
    let args = [
        "clippy",
        "--locked",
        "--all-targets",
        // Of the targets that other stages and `test --kubernetes` run.
        "--features=gateway-tests/kubernetes,gateway-core/official-api",
        "--",
        "-D",
        "warnings",
    ];
    cargo("clippy", LINT, &args)
}

fn cargo(what: &str, limit: Duration, args: &[&str]) -> Result<()> {
    Ok(Job::new(what, "cargo", limit)
        .args(args)
        .dir(&workspace::root())
        .show()?)
}

/// One row for each stage and one for their sum.
fn table(rows: &[(&str, bool, Duration)]) -> String {
    let row = |name: &str, word: &str, time: Duration| {
        format!("{name:<16} {word:<6} {:7.1} s\n", time.as_secs_f64())
    };
    let word = |ok: bool| if ok { "ok" } else { "FAILED" };
    let mut text: String = rows
        .iter()
        .map(|(name, ok, time)| row(name, word(*ok), *time))
        .collect();
    let all = rows.iter().all(|(_, ok, _)| *ok);
    text += &row("all", word(all), rows.iter().map(|(.., time)| *time).sum());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_sums_up() {
        let rows = [
            ("fmt", true, Duration::from_millis(1500)),
            ("test", false, Duration::from_secs(60)),
        ];
        let expected = "fmt              ok         1.5 s\n\
                        test             FAILED    60.0 s\n\
                        all              FAILED    61.5 s\n";
        assert_eq!(table(&rows), expected);
    }
}
