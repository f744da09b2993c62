//! The programs under test, built before they are used so that no stale one is tested.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Programs {
    pub gateway: PathBuf,
    pub peer: PathBuf,
}

impl Programs {
    /// Builds the daemon and the peers, once for each process. Cargo does nothing where they
    /// are fresh.
    ///
    /// # Errors
    /// The build fails; the message has the compiler's.
    pub fn get() -> Result<&'static Self> {
        static BUILT: OnceLock<Result<Programs, String>> = OnceLock::new();
        let built = BUILT.get_or_init(|| build().map_err(|e| format!("{e:#}")));
        built.as_ref().map_err(|e| anyhow!("{e}"))
    }
}

/// The top of the repository.
///
/// # Errors
/// The sources are not where they were compiled.
pub fn root() -> Result<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = tests.parent().unwrap_or(tests);
    root.canonicalize()
        .with_context(|| format!("the repository is not at {}", root.display()))
}

fn build() -> Result<Programs> {
    // From the top and without `-p`: the same features, so the same objects, as `cargo test`.
    let out = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(["--bin", "xdp-gateway", "--bin", "peer"])
        .current_dir(root()?)
        .output()
        .context("cannot start cargo")?;
    if !out.status.success() {
        bail!(
            "the programs cannot be built:\n{}",
            String::from_utf8_lossy(&out.stderr)
        );
    }
    let built = String::from_utf8_lossy(&out.stdout);
    Ok(Programs {
        gateway: executable(&built, "xdp-gateway")?,
        peer: executable(&built, "peer")?,
    })
}

/// Finds a binary in cargo's messages, one JSON object a line.
fn executable(messages: &str, name: &str) -> Result<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo did not say where it built {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_other_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"peer"},"executable":null}
not json
{"reason":"compiler-artifact","target":{"name":"peer"},"executable":"/t/peer"}"#;
        assert_eq!(executable(messages, "peer").unwrap(), Path::new("/t/peer"));
        assert!(executable(messages, "xdp-gateway").is_err());
    }
}
