//! `cargo xtask test`: every test of the workspace, as root, and one line that sums them up.
//!
//! Tests that need Kubernetes are in targets of their own, behind the feature `kubernetes`, and run
//! with `--kubernetes` instead: on the cluster of `cargo xtask cluster` with the chart installed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::{
    cluster::Cluster,
    install, privileges,
    process::{Failure, Job},
    setup, workspace,
};

mod summary;
mod targets;

use summary::Summary;

#[derive(Args)]
pub(crate) struct Options {
    /// Instead those that need Kubernetes; starts the cluster and installs the chart first
    #[arg(long)]
    kubernetes: bool,
    /// Test what is installed, without building and installing this clone
    #[arg(long, requires = "kubernetes")]
    installed: bool,
}

const BUILD: Duration = Duration::from_secs(1800);
const TESTS: Duration = Duration::from_secs(2400);

pub(crate) fn run(options: &Options) -> Result<()> {
    privileges::ensure()?;
    setup::run_with_go()?;
    let cluster = match options.kubernetes {
        true => Some(Cluster::ensure(None)?),
        false => None,
    };
    if let Some(cluster) = &cluster
        && !options.installed
    {
        install::install(cluster)?;
    }
    println!("build");
    // The namespace tests start the real binary, which `cargo test` alone does not build.
    Job::new("the build", "cargo", BUILD)
        .args(["build", "--locked"])
        .dir(&workspace::root())
        .show()?;
    println!("test");
    sum_up(tests(cluster.as_ref())?)
}

/// The command that runs the tests.
fn tests(cluster: Option<&Cluster>) -> Result<Job> {
    let job = Job::new("cargo test", "cargo", TESTS)
        .args(["test", "--locked", "--no-fail-fast"])
        .dir(&workspace::root());
    let Some(cluster) = cluster else {
        return Ok(job);
    };
    let job = job
        .args(["--package", targets::PACKAGE])
        .args(["--features", targets::FEATURE])
        .env("XDP_GATEWAY_TOOLS", cluster.tools())
        .env("XDP_GATEWAY_CLUSTER", cluster.description());
    let all = targets::find()?.into_iter();
    Ok(all.fold(job, |job, name| job.arg("--test").arg(name)))
}

fn sum_up(tests: Job) -> Result<()> {
    let start = Instant::now();
    let mut summary = Summary::default();
    let result = tests.lines(&mut |line| {
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
