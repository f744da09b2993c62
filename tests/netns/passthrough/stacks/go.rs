//! The TLS of Go's standard library.

use anyhow::{Context as _, Result};
use gateway_tests::{bed::Bed, process::Process};

use super::{Certificate, started};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/netns/passthrough/reverse.go");

/// Path of the program.
pub(super) fn build(bed: &Bed) -> Result<String> {
    let program = bed.net.dir().join("reverse").display().to_string();
    // Nothing but the standard library, so nothing to download.
    let built = bed.node.run("go", ["build", "-o", &program, SOURCE]);
    built.context("cannot build; `cargo xtask test` installs Go")?;
    Ok(program)
}

pub(super) fn server(bed: &Bed, program: &str, certificate: &Certificate) -> Result<Process> {
    let (.., port) = super::GO;
    let (file, key) = (&certificate.file, &certificate.key_file);
    let arguments = format!("serve {port} {file} {key}");
    started(&bed.node, "go", program, &arguments, "listening")
}
