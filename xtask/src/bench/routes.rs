//! `cargo xtask bench routes`: the routing table of the proxy alone.

use std::time::Duration;

use anyhow::Result;

use crate::{process::Job, workspace};

const LIMIT: Duration = Duration::from_secs(1800);

pub(super) fn run() -> Result<()> {
    Job::new("the benchmark", "cargo", LIMIT)
        .args(["bench", "--locked", "--package", "gateway-core"])
        .args(["--bench", "routes"])
        .dir(&workspace::root())
        .show()?;
    Ok(())
}
