//! `cargo xtask bench`: numbers to compare, no verdict.

use std::time::Duration;

use anyhow::Result;
use clap::Subcommand;

use crate::{privileges, process::Job, setup, workspace};

mod http;

const LIMIT: Duration = Duration::from_secs(1800);

#[derive(Subcommand)]
pub(crate) enum Subject {
    /// Nanoseconds for a packet in the XDP program
    Kernel,
    /// One worker on one core beside nginx: requests a second, CPU time a request, latency
    Http(http::Args),
}

pub(crate) fn run(subject: &Subject) -> Result<()> {
    privileges::ensure()?;
    setup::run()?;
    match subject {
        Subject::Kernel => cargo_bench("kernel"),
        Subject::Http(args) => http::run(args),
    }
}

/// Not `cargo bench`: the programs are optimised in every profile, and the rest need not be.
fn cargo_bench(target: &str) -> Result<()> {
    let job = Job::new("the benchmark", "cargo", LIMIT)
        .args(["test", "--locked", "--package", "gateway-tests"])
        .args(["--bench", target]);
    Ok(job.dir(&workspace::root()).show()?)
}
