//! `cargo xtask bench`: numbers to compare, no verdict.

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::{privileges, process::Job, setup, workspace};

const LIMIT: Duration = Duration::from_secs(1800);

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Subject {
    /// Nanoseconds for a packet in the XDP program
    Kernel,
}

pub(crate) fn run(subject: Subject) -> Result<()> {
    privileges::ensure()?;
    setup::run()?;
    let target = match subject {
        Subject::Kernel => "kernel",
    };
    // Not `cargo bench`: the programs are optimised in every profile, and the rest need not be.
    let job = Job::new("the benchmark", "cargo", LIMIT)
        .args(["test", "--locked", "--package", "gateway-tests"])
        .args(["--bench", target]);
    Ok(job.dir(&workspace::root()).show()?)
}
