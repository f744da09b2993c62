//! Debian packages through apt, with one refresh of its lists when something is missing.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};

use crate::{process::Job, steps::Context};

const APT: &str = "/usr/bin/apt-get";
const REFRESH: Duration = Duration::from_secs(180);
const INSTALL: Duration = Duration::from_secs(900);
const ASK: Duration = Duration::from_secs(30);
/// A mirror that does not answer is given up after this many seconds without a byte.
const SILENCE: &str = "30";

/// Installs packages; needs root.
pub(super) fn install(context: &Context, packages: &[&str]) -> Result<()> {
    let by_hand = format!(
        "by hand: `apt-get update && apt-get install {}`",
        packages.join(" ")
    );
    if !Path::new(APT).exists() {
        bail!(
            "this system has no apt: install what Debian has in {}",
            packages.join(", ")
        );
    }
    if !rustix::process::geteuid().is_root() {
        bail!(
            "packages are missing and only root may install them; run this as root, or {by_hand}"
        );
    }
    refresh(context).with_context(|| by_hand.clone())?;
    context.say(&format!("apt-get install {}", packages.join(" ")));
    let options = ["install", "--yes", "--no-install-recommends"];
    job("installing packages", "apt-get", INSTALL)
        .args(options)
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .log(&context.cache.log("apt"))
        .context(by_hand)
}

/// Whether apt can install the package, after a refresh where it does not know it.
pub(super) fn has(context: &Context, package: &str) -> Result<bool> {
    if !Path::new(APT).exists() {
        return Ok(false);
    }
    if knows(context, package)? {
        return Ok(true);
    }
    if !rustix::process::geteuid().is_root() {
        return Ok(false);
    }
    refresh(context)?;
    knows(context, package)
}

fn knows(context: &Context, package: &str) -> Result<bool> {
    let log = context.cache.log("apt");
    let text = job("asking apt", "apt-cache", ASK)
        .args(["policy", package])
        .capture(&log)?;
    Ok(has_candidate(&text))
}

/// Reads the output of `apt-cache policy PACKAGE`, which is empty for an unknown name.
fn has_candidate(policy: &str) -> bool {
    let mut lines = policy.lines().map(str::trim);
    lines.any(|l| {
        l.strip_prefix("Candidate:")
            .is_some_and(|v| v.trim() != "(none)")
    })
}

/// `apt-get update`, once in a run.
fn refresh(context: &Context) -> Result<()> {
    context.once("apt-get update", || {
        context.say("apt-get update");
        job("refreshing the package lists", "apt-get", REFRESH)
            .args(["update"])
            .log(&context.cache.log("apt"))?;
        Ok(())
    })
}

/// A call of apt that neither waits for ever on the network nor fails because apt runs elsewhere.
pub(super) fn job(what: &str, program: &str, limit: Duration) -> Job {
    let timeout = |kind: &str| format!("Acquire::{kind}::Timeout={SILENCE}");
    Job::new(what, program, limit)
        .args(["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=2"])
        .args(["-o", &timeout("http"), "-o", &timeout("https")])
        .env("LC_ALL", "C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_is_a_version() {
        let policy =
            |version: &str| format!("llvm-22-dev:\n  Installed: (none)\n  Candidate: {version}\n");
        assert!(has_candidate(&policy("1:22.1.8-1~deb12u1")));
        assert!(!has_candidate(&policy("(none)")));
        assert!(!has_candidate(""));
    }
}
