//! bpf-linker, built against the LLVM that fits the chosen rustc.
//!
//! It is built into the cache, by version, and linked into cargo's bin directory: rustup puts that
//! on PATH for every cargo, so that a plain `cargo build` finds it as well.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use super::apt;
use crate::{
    process::Job,
    steps::{Context, State},
    toolchain::{Toolchain, candidates, choose, llvm_major},
};

const VERSION: &str = "0.13.0";
/// Majors of LLVM that this version can be built with; a newer LLVM reads older bitcode.
const MAJORS: &[u32] = &[21, 22, 23];
const BUILD: Duration = Duration::from_secs(1200);

pub(super) fn check(context: &Context) -> Result<State> {
    Ok(match choose(&context.cache.path("probe")) {
        Ok(toolchain) => State::Ready(format!("reads the bitcode of {}", toolchain.name)),
        Err(reason) => State::Missing(reason),
    })
}

/// Whether the linker at hand reads what the toolchain writes, or one that does can be built.
pub(super) fn obtainable(context: &Context, toolchain: &Toolchain) -> Result<Result<(), String>> {
    if toolchain.linker_reads(&context.cache.path("probe")).is_ok() {
        return Ok(Ok(()));
    }
    Ok(major(context, toolchain)?.map(|_| ()))
}

pub(super) fn install(context: &Context, _missing: &str) -> Result<()> {
    for toolchain in candidates() {
        if toolchain.has_core_sources().unwrap_or(false)
            && let Ok(major) = major(context, &toolchain)?
        {
            return build(context, major);
        }
    }
    bail!("no toolchain with core's sources has an LLVM that Debian packages")
}

/// The LLVM to build with for this toolchain, or why there is none.
fn major(context: &Context, toolchain: &Toolchain) -> Result<Result<u32, String>> {
    let describe = toolchain.version().map_err(anyhow::Error::msg)?;
    let own = llvm_major(&describe);
    for major in fitting(own) {
        if apt::has(context, &format!("llvm-{major}-dev"))? {
            return Ok(Ok(major));
        }
    }
    let own = own.map_or("unknown".into(), |own| own.to_string());
    Ok(Err(format!(
        "apt has no LLVM that reads its bitcode (LLVM {own}) for bpf-linker {VERSION}"
    )))
}

/// The newest LLVM that can be used here.
pub(super) fn newest() -> u32 {
    MAJORS.iter().copied().max().unwrap_or_default()
}

/// The majors that read bitcode of this LLVM, the nearest first.
fn fitting(own: Option<u32>) -> Vec<u32> {
    let reads = |candidate: &&u32| own.is_some_and(|own| **candidate >= own);
    MAJORS.iter().filter(reads).copied().collect()
}

fn build(context: &Context, major: u32) -> Result<()> {
    let root = context
        .cache
        .path(&format!("bpf-linker-{VERSION}-llvm-{major}"));
    let binary = root.join("bin/bpf-linker");
    let llvm = format!("llvm-{major}-dev");
    let polly = format!("libpolly-{major}-dev");
    // Also when the binary is there: it needs the shared library of LLVM.
    apt::install(
        context,
        &[&llvm, &polly, "zlib1g-dev", "libzstd-dev", "g++"],
    )?;
    if !binary.exists() {
        let feature = format!("llvm-{major}");
        let args = ["install", "--locked", "bpf-linker", "--version", VERSION];
        let options = ["--no-default-features", "--features", &feature, "--root"];
        let by_hand = format!(
            "by hand: `LLVM_PREFIX=/usr/lib/llvm-{major} cargo {} {} ~/.cargo`",
            args.join(" "),
            options.join(" ")
        );
        context.say(&format!(
            "building bpf-linker {VERSION} with LLVM {major} (a minute or two)"
        ));
        Job::new("building bpf-linker", "cargo", BUILD)
            .args(args)
            .args(options)
            .arg(&root)
            .env("LLVM_PREFIX", format!("/usr/lib/llvm-{major}"))
            .env("CARGO_TARGET_DIR", context.cache.path("target"))
            .log(&context.cache.log("bpf-linker"))
            .context(by_hand)?;
        // Half a gigabyte that serves nobody any more.
        let _ = fs::remove_dir_all(context.cache.path("target"));
    }
    link(&binary, &cargo_bin()?.join("bpf-linker"))
}

fn cargo_bin() -> Result<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    Ok(home.context("HOME is not set")?.join("bin"))
}

/// Puts our binary on PATH; replaces another link, never somebody's program.
fn link(binary: &Path, place: &Path) -> Result<()> {
    if place.is_symlink() {
        fs::remove_file(place)?;
    } else if place.exists() {
        bail!(
            "{} does not fit: remove it with `cargo uninstall bpf-linker` and try again",
            place.display()
        );
    }
    symlink(binary, place).with_context(|| format!("linking {}", place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_llvm_reads_its_own_bitcode_and_older() {
        assert_eq!(fitting(Some(22)), [22, 23]);
        assert_eq!(fitting(Some(23)), [23]);
        assert_eq!(fitting(Some(20)), [21, 22, 23]);
        assert!(fitting(Some(24)).is_empty());
        assert!(fitting(None).is_empty());
    }

    #[test]
    fn a_program_of_the_user_is_not_replaced() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let place = dir.path().join("bpf-linker");
        link(Path::new("/old"), &place).expect("first");
        link(Path::new("/new"), &place).expect("second");
        assert_eq!(fs::read_link(&place).expect("link"), Path::new("/new"));
        fs::remove_file(&place).expect("remove");
        fs::write(&place, "theirs").expect("write");
        let error = link(Path::new("/new"), &place).expect_err("theirs");
        assert!(
            error.to_string().contains("cargo uninstall bpf-linker"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&place).expect("read"), "theirs");
    }
}
