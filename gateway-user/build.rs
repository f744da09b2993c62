//! Builds the BPF object that the daemon embeds.
//!
//! rustc needs core's sources for the BPF target. A rustup nightly with rust-src is taken where
//! there is one, else the active toolchain with RUSTC_BOOTSTRAP; `cargo xtask setup` provides one.
#![allow(unsafe_code, reason = "std::env::set_var, before any thread exists")]

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, bail};
use aya_build::{Package, Toolchain, build_ebpf};

fn main() -> Result<()> {
    let (toolchain, bootstrap) = toolchain()?;
    if bootstrap {
        // SAFETY: the build script has started no thread.
        unsafe { std::env::set_var("RUSTC_BOOTSTRAP", "1") };
    }
    let package = Package {
        name: "gateway-ebpf",
        root_dir: "../gateway-ebpf",
        ..Package::default()
    };
    build_ebpf([package], Toolchain::Custom(&toolchain))
}

/// Name of the toolchain to build with, and whether it needs RUSTC_BOOTSTRAP.
fn toolchain() -> Result<(String, bool)> {
    println!("cargo:rerun-if-env-changed=RUSTUP_TOOLCHAIN");
    let active = std::env::var("RUSTUP_TOOLCHAIN").unwrap_or_else(|_| "stable".into());
    for (name, bootstrap) in [
        ("nightly", false),
        (active.as_str(), !active.contains("nightly")),
    ] {
        if has_core_sources(name).unwrap_or(false) {
            return Ok((name.into(), bootstrap));
        }
    }
    bail!("no toolchain with core's sources: run `cargo xtask setup`")
}

fn has_core_sources(toolchain: &str) -> Result<bool> {
    let out = Command::new("rustup")
        .args(["run", toolchain, "rustc", "--print", "sysroot"])
        .output()
        .context("rustup is needed to find a toolchain")?;
    let sysroot = String::from_utf8(out.stdout)?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core/Cargo.toml");
    Ok(out.status.success() && library.exists())
}
