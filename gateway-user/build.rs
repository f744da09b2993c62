//! Builds the BPF object that the daemon embeds.
//!
//! Which toolchain does that is decided in one place for the build and for `cargo xtask setup`,
//! which provides it.
#![allow(unsafe_code, reason = "std::env::set_var, before any thread exists")]

use std::path::Path;

use anyhow::{Context as _, Error, Result};
use aya_build::{Package, Toolchain, build_ebpf};

#[path = "../xtask/src/toolchain.rs"]
mod toolchain;

fn main() -> Result<()> {
    println!("cargo:rerun-if-env-changed=RUSTUP_TOOLCHAIN");
    let out = std::env::var("OUT_DIR").context("cargo sets OUT_DIR for build scripts")?;
    let toolchain = toolchain::choose(&Path::new(&out).join("probe")).map_err(Error::msg)?;
    if toolchain.bootstrap {
        // SAFETY: the build script has started no thread.
        unsafe { std::env::set_var("RUSTC_BOOTSTRAP", "1") };
    }
    let package = Package {
        name: "gateway-ebpf",
        root_dir: "../gateway-ebpf",
        ..Package::default()
    };
    build_ebpf([package], Toolchain::Custom(&toolchain.name))
}
