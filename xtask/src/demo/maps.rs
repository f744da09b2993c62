//! What bpftool shows of the pinned maps.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

const SHOWN: [&str; 4] = ["frontends", "services", "backends", "flows"];
const ENTRIES: usize = 2;

/// The first entries of the maps, one a line, with the names of their fields.
pub(super) fn excerpt(pins: &Path) -> Result<String> {
    let mut text = String::new();
    for name in SHOWN {
        let path = find(pins, name)?.with_context(|| {
            format!("the daemon pinned no map `{name}` below {}", pins.display())
        })?;
        let entries = dump(&path)?;
        ensure!(
            !entries.is_empty(),
            "the map `{name}` is empty, after all that traffic"
        );
        writeln!(text, "bpftool map dump pinned {}", path.display())?;
        for entry in entries.iter().take(ENTRIES) {
            writeln!(
                text,
                "  {} -> {}",
                fields(&entry["key"]),
                fields(&entry["value"])
            )?;
        }
        if entries.len() > ENTRIES {
            writeln!(text, "  ... {} more", entries.len() - ENTRIES)?;
        }
    }
    Ok(text)
}

fn dump(path: &Path) -> Result<Vec<Value>> {
    let out = Command::new("bpftool")
        .args(["map", "dump", "pinned"])
        .arg(path)
        .output();
    let out = out.context("cannot start bpftool; `cargo xtask setup` installs it")?;
    let said = String::from_utf8_lossy(&out.stderr);
    ensure!(out.status.success(), "bpftool map dump: {said}");
    serde_json::from_slice(&out.stdout).context("bpftool prints no named fields: BTF is lacking")
}

/// `address 10.77.0.100, port 80`
fn fields(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            if let Some(address) = map.get("bytes").and_then(address) {
                return address;
            }
            let shown = map.iter().filter(|(name, _)| !name.starts_with("pad"));
            let shown: Vec<_> = shown
                .map(|(name, v)| format!("{name} {}", fields(v)))
                .collect();
            shown.join(", ")
        }
        other => other.to_string(),
    }
}

/// The last four of sixteen bytes, where the others say that it is IPv4.
fn address(bytes: &Value) -> Option<String> {
    let bytes: Vec<u8> = serde_json::from_value(bytes.clone()).ok()?;
    let octets: [u8; 16] = bytes.try_into().ok()?;
    Some(std::net::Ipv6Addr::from(octets).to_canonical().to_string())
}

fn find(dir: &Path, name: &str) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(dir).with_context(|| format!("no pins at {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find(&path, name)? {
                return Ok(Some(found));
            }
        } else if path.file_name().is_some_and(|file| file == name) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_a_line() {
        let bytes = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 77, 0, 100];
        let key = serde_json::json!({"address": {"bytes": bytes}, "port": 80, "pad": 0});
        assert_eq!(fields(&key), "address 10.77.0.100, port 80");
        assert_eq!(fields(&serde_json::json!(7)), "7");
    }
}
