//! Builds the BPF objects that the daemon embeds.
//!
//! Which toolchain does that is decided in one place for the build and for `cargo xtask setup`,
//! which provides it.
#![allow(
    unsafe_code,
    clippy::disallowed_methods,
    reason = "std::env::set_var, before any thread exists"
)]

use std::path::Path;

use anyhow::{Context as _, Error, Result};
use aya_build::{Package, Toolchain, build_ebpf};

#[path = "../xtask/src/toolchain.rs"]
mod toolchain;

fn main() -> Result<()> {
    println!("cargo:rerun-if-env-changed=RUSTUP_TOOLCHAIN");
    let out = std::env::var("OUT_DIR").context("cargo sets OUT_DIR for build scripts")?;
    let out = Path::new(&out);
    let toolchain = toolchain::choose(&out.join("probe")).map_err(Error::msg)?;
    // aya-build shows the inner cargo's output as warnings: errors and warnings are enough.
    set("CARGO_TERM_QUIET", "true");
    if toolchain.bootstrap {
        set("RUSTC_BOOTSTRAP", "1");
    }
    // All variants have the same name: the others step aside for the one without features.
    for feature in ["log", "capture"] {
        build(&toolchain.name, &[feature])?;
        std::fs::rename(out.join("gateway"), out.join(format!("gateway-{feature}")))?;
    }
    build(&toolchain.name, &[])
}

/// Builds the programs of gateway-ebpf into OUT_DIR with these features.
fn build(toolchain: &str, features: &[&str]) -> Result<()> {
    let package = Package {
        name: "gateway-ebpf",
        root_dir: "../gateway-ebpf",
        features,
        ..Package::default()
    };
    build_ebpf([package], Toolchain::Custom(toolchain))
}

/// For the programs that aya-build starts.
fn set(name: &str, value: &str) {
    // SAFETY: the build script has started no thread.
    unsafe { std::env::set_var(name, value) };
}
