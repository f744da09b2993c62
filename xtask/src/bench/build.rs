//! The programs that are measured, or measure.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;

use crate::{process::Job, workspace};

const LIMIT: Duration = Duration::from_secs(3600);

/// Builds these programs, optimised.
pub(super) fn release(programs: &[&str]) -> Result<()> {
    println!("build");
    let programs = programs.iter().flat_map(|program| ["--bin", program]);
    Job::new("the build", "cargo", LIMIT)
        .args(["build", "--locked", "--release"])
        .args(programs)
        .dir(&workspace::root())
        .show()?;
    Ok(())
}

pub(super) fn gateway() -> PathBuf {
    workspace::root().join("target/release/xdp-gateway")
}

/// Servers and clients of the bed.
pub(super) fn peer() -> PathBuf {
    workspace::root().join("target/release/peer")
}
