//! `cargo xtask test`: every test of the workspace, as root, and one line that sums them up.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::{
    privileges,
    process::{Failure, Job},
    setup, workspace,
};

mod summary;

use summary::Summary;

const BUILD: Duration = Duration::from_secs(1800);
const TESTS: Duration = Duration::from_secs(1500);

pub(crate) fn run() -> Result<()> {
    privileges::ensure()?;
    setup::run()?;
    println!("build");
    let root = workspace::root();
    // The namespace tests start the real binary, which `cargo test` alone does not build.
    Job::new("the build", "cargo", BUILD)
        .args(["build", "--locked"])
        .dir(&root)
        .show()?;
    println!("test");
    let start = Instant::now();
    let mut summary = Summary::default();
    let result = Job::new("cargo test", "cargo", TESTS)
        .args(["test", "--locked", "--no-fail-fast"])
        .dir(&root)
        .lines(&mut |line| {
            println!("{line}");
            summary.read(line);
        });
    for name in summary.names() {
        println!("failed or ignored: {name}");
    }
    println!("the tests took {:.0} s", start.elapsed().as_secs_f64());
    println!("{summary}");
    verdict(&summary, result)
}

fn verdict(summary: &Summary, result: Result<(), Failure>) -> Result<()> {
    result.context("see the failures above")?;
    if summary.failed > 0 {
        bail!("ignored tests count as failed: nothing may be skipped in silence");
    }
    if summary.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_needs_tests_that_ran_and_none_that_did_not() {
        let of = |line: &str| {
            let mut summary = Summary::default();
            summary.read(line);
            verdict(&summary, Ok(())).map_err(|e| e.to_string())
        };
        let ok = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(of(ok), Ok(()));
        let ignored = of("test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured");
        assert!(ignored.is_err_and(|e| e.contains("ignored")));
        assert_eq!(of(""), Err("no test ran".into()));
        let failed = verdict(&Summary::default(), Err(Failure::Interrupted));
        assert!(failed.is_err());
    }
}
