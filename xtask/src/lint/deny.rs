//! cargo-deny: licences, bans and sources of all dependencies, as deny.toml has them.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::SHORT;
use crate::{cache::Cache, process::Job, workspace};

const VERSION: &str = "0.20.2";
const BUILD: Duration = Duration::from_secs(900);

pub(super) fn run() -> Result<()> {
    let cache = Cache::open()?;
    let root = cache.path(&format!("cargo-deny-{VERSION}"));
    let binary = root.join("bin/cargo-deny");
    if !binary.exists() {
        println!("building cargo-deny {VERSION} (about two minutes, once)");
        build(&cache, &root)?;
    }
    // Advisories need a database from the network; these three hold without it.
    Ok(Job::new("cargo-deny", binary, SHORT)
        .args(["--workspace", "check", "bans", "licenses", "sources"])
        .dir(&workspace::root())
        .show()?)
}

/// Built to be ready soon: it runs for seconds.
fn build(cache: &Cache, root: &std::path::Path) -> Result<()> {
    let target = cache.path("target");
    Job::new("building cargo-deny", "cargo", BUILD)
        .args([
            "install",
            "--locked",
            "cargo-deny",
            "--version",
            VERSION,
            "--root",
        ])
        .arg(root)
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .log(&cache.log("cargo-deny"))
        .with_context(|| {
            format!("by hand: `cargo install --locked cargo-deny --version {VERSION}`")
        })?;
    // Hundreds of megabytes that serve nobody any more.
    let _ = std::fs::remove_dir_all(target);
    Ok(())
}
