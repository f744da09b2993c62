//! `cargo xtask bench kernel`: our XDP program, and Katran's where its sources are at hand.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, ensure};

use crate::{process::Job, workspace};

const COMPILE: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(1800);
/// Of Katran's repository.
const SOURCE: &str = "katran/lib/bpf/balancer.bpf.c";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Katran's repository, to measure its balancer in the same run; needs clang
    #[arg(long, value_name = "DIR")]
    katran: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    // Not `cargo bench`: the programs are optimised in every profile, and the rest need not be.
    let mut job = Job::new("the benchmark", "cargo", LIMIT)
        .args(["test", "--locked", "--package", "gateway-tests"])
        .args(["--bench", "kernel"]);
    if let Some(katran) = &args.katran {
        job = job.env("XDP_GATEWAY_KATRAN", compile(katran)?);
    }
    Ok(job.dir(&workspace::root()).show()?)
}

/// Compiles the balancer as its makefile does; the object.
fn compile(katran: &Path) -> Result<PathBuf> {
    ensure!(
        katran.join(SOURCE).is_file(),
        "{} has no {SOURCE}: name a clone of https://github.com/facebookincubator/katran",
        katran.display()
    );
    let directory = workspace::root().join("target/katran");
    fs::create_dir_all(&directory)?;
    let object = directory.join("balancer.bpf.o");
    // The headers of the host want to know whose they are.
    Job::new("Katran's balancer", "clang", COMPILE)
        .args(["-target", "bpf", "-O2", "-g", "-w", "-c", SOURCE, "-I."])
        .args(["-D__KERNEL__", "-D__x86_64__"])
        .args(["-idirafter", "/usr/include/x86_64-linux-gnu"])
        .arg("-o")
        .arg(&object)
        .dir(katran)
        .show()?;
    Ok(object)
}
