//! Core's sources from rustup, the ordinary way; given up quickly where it does not answer.

use std::{
    env,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, bail};

use super::{apt, bpf_linker};
use crate::{
    process::{Failure, Job},
    steps::Context,
    toolchain::{Toolchain, candidates},
};

const LIMIT: Duration = Duration::from_secs(600);
const SILENCE: Duration = Duration::from_secs(30);
const MARK: &str = "rustup";

/// rust-src for the nightly that is there, else for a new one.
pub(super) fn nightly(context: &Context) -> Result<()> {
    if let Some(nightly) = candidates().first()
        && nightly.sysroot().is_ok()
    {
        return add_component(context, nightly);
    }
    // A new nightly comes with a new LLVM: hundreds of megabytes that only serve with its like.
    let llvm = bpf_linker::newest();
    if !apt::has(context, &format!("llvm-{llvm}-dev"))? {
        bail!("no nightly is installed, and a new one would need LLVM {llvm}, which apt lacks");
    }
    let install = [
        "toolchain",
        "install",
        "nightly",
        "--profile",
        "minimal",
        "--no-self-update",
    ];
    rustup(
        context,
        &install,
        &["--component", "rust-src", "--component", "clippy"],
    )
}

/// rust-src for the active toolchain.
pub(super) fn active(context: &Context) -> Result<()> {
    match candidates().last() {
        Some(active) => add_component(context, active),
        None => bail!("no active toolchain"),
    }
}

fn add_component(context: &Context, toolchain: &Toolchain) -> Result<()> {
    rustup(
        context,
        &["component", "add", "rust-src"],
        &["--toolchain", &toolchain.name],
    )
}

fn rustup(context: &Context, command: &[&str], options: &[&str]) -> Result<()> {
    let args = [command, options].concat();
    let shown = format!("rustup {}", args.join(" "));
    if context.cache.failed_lately(MARK, SystemTime::now()) {
        let mark = context.cache.failure(MARK);
        bail!(
            "rustup did not answer lately; to try again, delete {}",
            mark.display()
        );
    }
    context.say(&format!(
        "{shown} (given up after {} s of silence)",
        SILENCE.as_secs()
    ));
    let home = env::var_os("RUSTUP_HOME").map(PathBuf::from).or_else(|| {
        let home = env::var_os("HOME")?;
        Some(PathBuf::from(home).join(".rustup"))
    });
    let watch = home
        .iter()
        .flat_map(|home| [home.join("downloads"), home.join("tmp")]);
    let result = Job::new("rustup", "rustup", LIMIT)
        .args(args)
        .idle(SILENCE, watch.collect())
        .log(&context.cache.log("rustup"));
    if result.as_ref().is_err_and(Failure::is_timeout) {
        context.cache.remember_failure(MARK)?;
    }
    result.with_context(|| format!("`{shown}`"))
}
