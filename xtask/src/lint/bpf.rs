//! clippy for the crate that only builds for the BPF target.

use std::env::consts::ARCH;

use anyhow::{Error, Result};

use super::LINT;
use crate::{cache::Cache, process::Job, toolchain::choose, workspace};

pub(super) fn clippy() -> Result<()> {
    let scratch = Cache::open()?.path("probe");
    let toolchain = choose(&scratch).map_err(Error::msg)?;
    let root = workspace::root();
    let job = Job::new("clippy for BPF", "rustup", LINT)
        .args([
            "run",
            &toolchain.name,
            "cargo",
            "clippy",
            "--locked",
            "--release",
        ])
        .args([
            "--package",
            "gateway-ebpf",
            "--target",
            "bpfel-unknown-none",
        ])
        .args(["-Z", "build-std=core"])
        // Apart from the host's build, which would otherwise wait for the lock.
        .arg("--target-dir")
        .arg(root.join("target/bpf"))
        .args(["--", "-D", "warnings"])
        .env("RUSTFLAGS", format!("--cfg=bpf_target_arch=\"{ARCH}\""))
        .dir(&root);
    let job = if toolchain.bootstrap {
        job.env("RUSTC_BOOTSTRAP", "1")
    } else {
        job
    };
    Ok(job.show()?)
}
