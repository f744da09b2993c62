//! `cargo xtask image`: the container image, made without a container engine.
//!
//! It holds the program and nothing else: linked statically, so there is no library, and without
//! certificates, as the API server's come with the pod's service account. Equal sources give equal
//! images on machines where the toolchain is the same.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    cache::Cache,
    cluster::Cluster,
    oci::{Entry, Image},
    process::Job,
    workspace,
};

/// Its name without a tag: that of the chart's values, and one that no registry can claim.
pub(crate) const NAME: &str = "localhost/xdp-gateway";
const BUILD: Duration = Duration::from_secs(3600);
const ASK: Duration = Duration::from_secs(30);
const PROGRAM: &str = "xdp-gateway";

/// Builds it into `output`, or else for the nodes of the running cluster, if there is one.
pub(crate) fn run(output: Option<&Path>) -> Result<()> {
    let start = Instant::now();
    let archive = build(output)?;
    let mebibytes = fs::metadata(&archive)?.len() as f64 / f64::from(1 << 20);
    println!(
        "{} in {}: {mebibytes:.1} MiB, {:.0} s",
        reference(),
        archive.display(),
        start.elapsed().as_secs_f64()
    );
    if output.is_none()
        && let Some(cluster) = Cluster::running()?
    {
        cluster.load(&archive)?;
        println!("loaded into the nodes of the running cluster");
    }
    Ok(())
}

/// The archive of an image of what is checked out, built where it is not fresh: at `output` as it is
/// shipped, and else, in the cache, for the clusters of this machine.
pub(crate) fn build(output: Option<&Path>) -> Result<PathBuf> {
    let cache = Cache::open()?;
    let program = program(&cache, output.map_or("trial", |_| "release"))?;
    expect_static(&cache, &program)?;
    let image = Image {
        tags: vec![reference()],
        entrypoint: vec![PROGRAM.into()],
        env: vec!["PATH=/".into()],
        user: String::new(),
        labels: labels(&revision(&cache)?),
        entries: vec![Entry::copy(&program, PROGRAM, 0o755)?],
    };
    let archive = match output {
        Some(path) => path.to_owned(),
        None => cache.path("image-xdp-gateway.tar"),
    };
    let bytes = image.archive()?;
    fs::write(&archive, bytes)
        .with_context(|| format!("{} cannot be written", archive.display()))?;
    Ok(archive)
}

/// The image's name with its tag, which is the version that the chart asks for.
pub(crate) fn reference() -> String {
    format!("{NAME}:{}", env!("CARGO_PKG_VERSION"))
}

fn labels(revision: &str) -> Vec<(String, String)> {
    let labels = [
        ("title", PROGRAM),
        ("description", "Kubernetes Gateway API on bare metal"),
        ("version", env!("CARGO_PKG_VERSION")),
        ("revision", revision),
        ("licenses", env!("CARGO_PKG_LICENSE")),
    ];
    labels
        .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.to_owned()))
        .to_vec()
}

/// The commit of the sources, and whether they are as committed.
fn revision(cache: &Cache) -> Result<String> {
    let ask = Job::new("asking for the commit", "git", ASK)
        .args([
            "describe",
            "--always",
            "--dirty",
            "--abbrev=40",
            "--exclude=*",
        ])
        .dir(&workspace::root())
        .capture(&cache.log("image"))?;
    Ok(ask.trim().to_owned())
}

/// Builds the program in a profile of the workspace, and says where it is.
fn program(cache: &Cache, profile: &str) -> Result<PathBuf> {
    let root = workspace::root().canonicalize()?;
    let host = host(cache)?;
    let mut found = None;
    Job::new("the build", "cargo", BUILD)
        .args(["build", "--locked", "--profile", profile, "--target", &host])
        .args(["--package=gateway-user", "--bin", PROGRAM])
        .arg("--message-format=json-render-diagnostics")
        // With a target these are for the program, not for build scripts and macros.
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            flags(&root, &cargo_home()?).join("\x1f"),
        )
        .dir(&root)
        .lines(&mut |line| found = executable(line).or(found.take()))?;
    found.context("cargo did not say where it built the program")
}

/// No shared libraries, and no paths of this machine in messages of panics.
fn flags(root: &Path, cargo_home: &Path) -> [String; 3] {
    [
        "-Ctarget-feature=+crt-static".into(),
        format!("--remap-path-prefix={}=/xdp-gateway", root.display()),
        format!("--remap-path-prefix={}=/cargo", cargo_home.display()),
    ]
}

fn cargo_home() -> Result<PathBuf> {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home);
    home.context("set HOME or CARGO_HOME")
}

/// The platform that the compiler itself runs on.
pub(crate) fn host(cache: &Cache) -> Result<String> {
    let version = Job::new("asking for the target", "rustc", ASK)
        .arg("-vV")
        .capture(&cache.log("image"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

/// Where cargo says that it put the program.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let ours = message["target"]["name"] == PROGRAM;
    message["executable"]
        .as_str()
        .filter(|_| ours)
        .map(PathBuf::from)
}

/// A program that asks for a loader would not start in an empty image.
fn expect_static(cache: &Cache, program: &Path) -> Result<()> {
    let headers = Job::new("reading the program's headers", "readelf", ASK)
        .args(["--wide", "--program-headers"])
        .arg(program)
        .capture(&cache.log("image"))?;
    if headers.contains("INTERP") {
        bail!(
            "{} needs shared libraries: which dependency brought them? ldd says",
            program.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_cargos_messages() {
        let library = r#"{"target":{"name":"gateway_user"},"executable":null}"#;
        let other = r#"{"target":{"name":"peer"},"executable":"/t/peer"}"#;
        let ours = r#"{"target":{"name":"xdp-gateway"},"executable":"/t/xdp-gateway"}"#;
        let found = [library, other, ours, "not json"].map(executable);
        assert_eq!(found, [None, None, Some("/t/xdp-gateway".into()), None]);
    }

    #[test]
    fn the_chart_asks_for_this_image() {
        let values = workspace::root().join("charts/xdp-gateway/values.yaml");
        let values = fs::read_to_string(values).expect("the chart's values");
        assert!(
            values.contains(&format!("repository: {NAME}\n")),
            "{values}"
        );
    }

    #[test]
    fn no_path_of_this_machine_is_built_in() {
        let flags = flags(Path::new("/clone"), Path::new("/h/.cargo"));
        assert!(flags.contains(&"--remap-path-prefix=/clone=/xdp-gateway".to_owned()));
        assert!(flags.contains(&"--remap-path-prefix=/h/.cargo=/cargo".to_owned()));
    }
}
