//! Container images without a container engine: a docker-archive with one layer.
//!
//! Equal inputs give equal bytes: times are zero, owners are root, files come in the order given.

use std::{fs, io::Write, path::Path};

use anyhow::{Context as _, Result};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

/// An image to be written.
pub(crate) struct Image {
    /// Full references with their tags.
    pub(crate) tags: Vec<String>,
    pub(crate) entrypoint: Vec<String>,
    /// `NAME=value`.
    pub(crate) env: Vec<String>,
    /// `uid:gid`, or empty for root.
    pub(crate) user: String,
    /// OCI annotations, such as `org.opencontainers.image.version`.
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) entries: Vec<Entry>,
}

/// A file of the layer.
pub(crate) struct Entry {
    /// Relative to the root of the image.
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) content: Vec<u8>,
}

impl Entry {
    /// A file with the content of one of the host's.
    pub(crate) fn copy(source: &Path, path: &str, mode: u32) -> Result<Self> {
        let bytes =
            fs::read(source).with_context(|| format!("{} cannot be read", source.display()))?;
        Ok(Self {
            path: path.to_owned(),
            mode,
            content: bytes,
        })
    }
}

impl Image {
    /// The archive, as `docker load` and `ctr images import` take it.
    pub(crate) fn archive(&self) -> Result<Vec<u8>> {
        let layer = layer(&self.entries)?;
        let digest = sha256(&layer);
        let labels: serde_json::Map<_, _> = self
            .labels
            .iter()
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        let config = json!({
            "architecture": architecture(),
            "os": "linux",
            "config": {
                "Entrypoint": self.entrypoint,
                "Env": self.env,
                "User": self.user,
                "Labels": labels,
            },
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{digest}")]},
        });
        let config = serde_json::to_vec(&config)?;
        let config_name = format!("{}.json", sha256(&config));
        let layer_name = format!("{digest}.tar");
        let manifest = json!([{
            "Config": config_name,
            "RepoTags": self.tags,
            "Layers": [layer_name],
        }]);
        let mut archive = tar::Builder::new(Vec::new());
        add(&mut archive, &config_name, 0o644, &config)?;
        add(&mut archive, &layer_name, 0o644, &layer)?;
        add(
            &mut archive,
            "manifest.json",
            0o644,
            &serde_json::to_vec(&manifest)?,
        )?;
        Ok(archive.into_inner()?)
    }
}

fn layer(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut layer = tar::Builder::new(Vec::new());
    for entry in entries {
        add(&mut layer, &entry.path, entry.mode, &entry.content)?;
    }
    Ok(layer.into_inner()?)
}

fn add<W: Write>(archive: &mut tar::Builder<W>, path: &str, mode: u32, bytes: &[u8]) -> Result<()> {
    let mut header = header(mode, bytes.len() as u64);
    header.set_entry_type(EntryType::Regular);
    archive.append_data(&mut header, path, bytes)?;
    Ok(())
}

fn header(mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// As images name it (GOARCH).
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn image() -> Image {
        Image {
            tags: vec!["example.org/app:v1".into(), "example.org/app:v2".into()],
            entrypoint: vec!["/app".into(), "run".into()],
            env: vec!["A=b".into()],
            user: "65532:65532".into(),
            labels: vec![("org.opencontainers.image.version".into(), "v1".into())],
            entries: vec![
                Entry {
                    path: "etc/app.conf".into(),
                    mode: 0o644,
                    content: b"x".into(),
                },
                Entry {
                    path: "app".into(),
                    mode: 0o755,
                    content: b"program".into(),
                },
            ],
        }
    }

    fn files(archive: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().expect("entries");
        let read = entries.map(|entry| {
            let mut entry = entry.expect("an entry");
            let path = entry.path().expect("a path").display().to_string();
            let mode = entry.header().mode().expect("a mode");
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("the content");
            (path, mode, bytes)
        });
        read.collect()
    }

    #[test]
    fn names_in_the_archive_are_the_digests_of_what_they_hold() {
        let outer = files(&image().archive().expect("an archive"));
        let (config, layer, manifest) = (&outer[0], &outer[1], &outer[2]);
        assert_eq!(config.0, format!("{}.json", sha256(&config.2)));
        assert_eq!(layer.0, format!("{}.tar", sha256(&layer.2)));
        let manifest: serde_json::Value = serde_json::from_slice(&manifest.2).expect("JSON");
        assert_eq!(manifest[0]["Config"], config.0);
        assert_eq!(manifest[0]["Layers"][0], layer.0);
        assert_eq!(manifest[0]["RepoTags"][1], "example.org/app:v2");
        let config: serde_json::Value = serde_json::from_slice(&config.2).expect("JSON");
        let diff = config["rootfs"]["diff_ids"][0].as_str().expect("a digest");
        assert_eq!(diff, format!("sha256:{}", sha256(&layer.2)));
        assert_eq!(config["config"]["Entrypoint"][1], "run");
        assert_eq!(config["config"]["User"], "65532:65532");
    }

    #[test]
    fn the_layer_holds_the_entries_in_their_order() {
        let outer = files(&image().archive().expect("an archive"));
        let inner = files(&outer[1].2);
        let shown: Vec<_> = inner
            .iter()
            .map(|(path, mode, bytes)| (path.as_str(), *mode, bytes.len()))
            .collect();
        assert_eq!(shown, [("etc/app.conf", 0o644, 1), ("app", 0o755, 7)]);
    }

    #[test]
    fn equal_inputs_give_equal_bytes() {
        let [one, two] = [(), ()].map(|()| image().archive().expect("an archive"));
        assert_eq!(one, two);
    }
}
