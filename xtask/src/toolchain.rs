//! Which Rust builds the BPF programs. Standard library only: gateway-user/build.rs includes it.
//!
//! rustc needs core's sources for the BPF target, and bpf-linker must read the bitcode of that
//! rustc's LLVM. A nightly is taken where there is one that fits, else the active toolchain with
//! RUSTC_BOOTSTRAP.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A function without dependencies, enough to see whether bitcode can be linked.
const PROBE: &str = "#![no_std]\n#[unsafe(no_mangle)]\npub extern \"C\" fn probe() {}\n";

/// A toolchain as rustup names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toolchain {
    pub(crate) name: String,
    /// Needs RUSTC_BOOTSTRAP=1 for unstable options.
    pub(crate) bootstrap: bool,
}

/// In the order of preference.
pub(crate) fn candidates() -> Vec<Toolchain> {
    candidates_for(env::var("RUSTUP_TOOLCHAIN").ok().as_deref())
}

fn candidates_for(active: Option<&str>) -> Vec<Toolchain> {
    let active = active.filter(|name| !name.is_empty()).unwrap_or("stable");
    let nightly = Toolchain {
        name: "nightly".into(),
        bootstrap: false,
    };
    let active = Toolchain {
        name: active.into(),
        bootstrap: !active.contains("nightly"),
    };
    vec![nightly, active]
}

/// The first candidate that can build BPF programs, or why none can.
///
/// `scratch` is a directory for temporary files.
pub(crate) fn choose(scratch: &Path) -> Result<Toolchain, String> {
    let mut reasons = Vec::new();
    for toolchain in candidates() {
        match toolchain.fits(scratch) {
            Ok(()) => return Ok(toolchain),
            Err(reason) => reasons.push(format!("{}: {reason}", toolchain.name)),
        }
    }
    Err(format!(
        "no toolchain can build BPF programs ({})",
        reasons.join("; ")
    ))
}

impl Toolchain {
    fn fits(&self, scratch: &Path) -> Result<(), String> {
        if !self.has_core_sources()? {
            return Err("has no sources of core".into());
        }
        self.linker_reads(scratch)
    }

    pub(crate) fn sysroot(&self) -> Result<PathBuf, String> {
        let sysroot = self.rustc(&["--print", "sysroot"], "its rustc does not run")?;
        Ok(PathBuf::from(sysroot.trim()))
    }

    pub(crate) fn has_core_sources(&self) -> Result<bool, String> {
        let core = "lib/rustlib/src/rust/library/core/Cargo.toml";
        Ok(self.sysroot()?.join(core).exists())
    }

    /// `rustc -vV`.
    pub(crate) fn version(&self) -> Result<String, String> {
        self.rustc(&["-vV"], "its rustc does not run")
    }

    /// Whether the bpf-linker on PATH starts and reads what this rustc writes.
    pub(crate) fn linker_reads(&self, scratch: &Path) -> Result<(), String> {
        let file = |name: &str| scratch.join(name).to_string_lossy().into_owned();
        let (source, bitcode, object) = (file("probe.rs"), file("probe.bc"), file("probe.o"));
        fs::create_dir_all(scratch)
            .and_then(|()| fs::write(&source, PROBE))
            .map_err(|e| format!("{source} cannot be written: {e}"))?;
        let args = ["--edition=2024", "--crate-type=lib", "--emit=llvm-bc", "-o"];
        let args = [&args[..], &[&bitcode, &source]].concat();
        self.rustc(&args, "its rustc does not compile")?;
        let link = |option: &[&str]| {
            let mut linker = Command::new("bpf-linker");
            linker.args(["--target", "bpfel-unknown-none", "--export", "probe"]);
            linker.args(option).args(["-o", &object, &bitcode]);
            run(&mut linker, "bpf-linker does not link")
        };
        link(&[])?;
        // Simple bitcode of a newer LLVM can be read, and real programs then cannot.
        let (own, linkers) = (self.version()?, link(&["--llvm-args=--version"])?);
        match (llvm_major(&own), llvm_major(&linkers)) {
            (Some(own), Some(linkers)) if own > linkers => Err(format!(
                "bpf-linker has LLVM {linkers}, its rustc the newer {own}"
            )),
            _ => Ok(()),
        }
    }

    fn rustc(&self, args: &[&str], otherwise: &str) -> Result<String, String> {
        let mut rustc = Command::new("rustup");
        rustc.args(["run", &self.name, "rustc"]).args(args);
        // A missing toolchain is an answer, not a download.
        rustc.env("RUSTUP_AUTO_INSTALL", "0");
        run(&mut rustc, otherwise)
    }
}

/// Reads `LLVM version: 22.1.2` of rustc and `LLVM version 22.1.8` of LLVM itself.
pub(crate) fn llvm_major(text: &str) -> Option<u32> {
    let (_, after) = text.split_once("LLVM version")?;
    let version = after.trim_start_matches([':', ' ']);
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn run(command: &mut Command, otherwise: &str) -> Result<String, String> {
    let out = command.output().map_err(|e| {
        let program = command.get_program().to_string_lossy().into_owned();
        format!("{otherwise}: {program}: {e}")
    })?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&out.stderr);
    let line = text
        .lines()
        .find(|l| !l.trim().is_empty())
        .unwrap_or_default();
    Err(format!("{otherwise}: {}", line.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nightly_comes_first_and_stable_needs_bootstrap() {
        let names = |active| {
            let found = candidates_for(active).into_iter();
            found.map(|t| (t.name, t.bootstrap)).collect::<Vec<_>>()
        };
        let nightly = ("nightly".to_owned(), false);
        assert_eq!(names(None), [nightly.clone(), ("stable".into(), true)]);
        assert_eq!(names(Some("")), [nightly.clone(), ("stable".into(), true)]);
        assert_eq!(
            names(Some("1.95.0")),
            [nightly.clone(), ("1.95.0".into(), true)]
        );
        let dated = "nightly-2026-05-20";
        assert_eq!(names(Some(dated)), [nightly, (dated.into(), false)]);
    }

    #[test]
    fn the_llvm_of_rustc_and_of_the_linker_are_read() {
        let rustc = "rustc 1.95.0\nhost: x\nrelease: 1.95.0\nLLVM version: 22.1.2\n";
        assert_eq!(llvm_major(rustc), Some(22));
        assert_eq!(
            llvm_major("Debian LLVM version 23.0.8\n  Optimized build.\n"),
            Some(23)
        );
        assert_eq!(llvm_major("LLVM version unknown"), None);
        assert_eq!(llvm_major(""), None);
    }

    #[test]
    fn a_toolchain_that_is_not_installed_is_an_answer() {
        let absent = Toolchain {
            name: "1.2.3".into(),
            bootstrap: true,
        };
        let reason = absent.has_core_sources().expect_err("not installed");
        assert!(reason.starts_with("its rustc does not run"), "{reason}");
    }

    #[test]
    fn a_program_that_fails_gives_its_first_line() {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "echo >&2; echo '  broken input' >&2; echo more >&2; exit 1",
        ]);
        assert_eq!(
            run(&mut command, "no luck"),
            Err("no luck: broken input".into())
        );
    }
}
