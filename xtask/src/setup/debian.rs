//! Core's sources from Debian's package rust-src of the same version as the active rustc.
//!
//! Newer suites than the installed one are asked through apt with lists of its own, so that apt
//! checks the signatures and the system's configuration stays as it is. The package is unpacked
//! into the cache and linked into the sysroot: installing it would conflict with rustup.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use super::apt;
use crate::{process::Job, steps::Context, toolchain::candidates};

/// Where Debian keeps newer compilers, the likeliest first.
const SUITES: &[&str] = &[
    "trixie-backports",
    "forky",
    "sid",
    "bookworm-backports",
    "trixie",
];
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const REFRESH: Duration = Duration::from_secs(120);
const DOWNLOAD: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_secs(60);

pub(super) fn install(context: &Context) -> Result<()> {
    let Some(active) = candidates().pop() else {
        bail!("no active toolchain");
    };
    let describe = active.version().map_err(anyhow::Error::msg)?;
    let Some(release) = field(&describe, "release") else {
        bail!("rustc does not say its release");
    };
    if release.contains('-') {
        bail!("Debian packages stable releases only, the active rustc is {release}");
    }
    let sources = context.cache.path(&format!("rust-src-{release}"));
    if !sources.exists() {
        download(context, release, &sources)?;
    }
    let library = sources.join(format!("usr/src/rustc-{release}"));
    let sysroot = active.sysroot().map_err(anyhow::Error::msg)?;
    link(&library, &sysroot.join("lib/rustlib/src/rust"))
}

/// Unpacks the package below `sources`, all or nothing.
fn download(context: &Context, release: &str, sources: &Path) -> Result<()> {
    let log = context.cache.log("rust-src");
    let text = apt::job("asking apt for its mirror", "apt-get", SHORT)
        .args([
            "indextargets",
            "--format",
            "$(REPO_URI)",
            "Created-By: Packages",
            "Label: Debian",
        ])
        .capture(&log)?;
    let Some(mirror) = text.lines().next() else {
        bail!("apt is not set up with a Debian mirror");
    };
    let work = context.cache.path("rust-src-apt");
    let private = Private::new(&work)?;
    let mut seen = Vec::new();
    for suite in SUITES {
        context.say(&format!("rust-src {release} in Debian {suite}"));
        let list = format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n");
        fs::write(work.join("sources.list"), list)?;
        // A mirror need not have each suite: the next may be there.
        let update = private
            .job("asking the mirror", "apt-get", REFRESH)
            .args(["update"]);
        if update.log(&log).is_err() {
            continue;
        }
        let madison = private.job("asking apt for versions", "apt-cache", SHORT);
        let known = versions(&madison.args(["madison", "rust-src"]).capture(&log)?);
        if let Some(version) = known.iter().find(|v| is_release(v, release)) {
            let package = format!("rust-src={version}");
            context.say(&format!("downloading {package}"));
            let get = private.job("downloading rust-src", "apt-get", DOWNLOAD);
            get.args(["download", &package]).dir(&work).log(&log)?;
            unpack(&work, sources, &log)?;
            return fs::remove_dir_all(&work).context("removing apt's private lists");
        }
        seen.extend(known);
    }
    bail!(
        "the mirror has no rust-src {release}, only: {}",
        seen.join(", ")
    )
}

/// apt with its own lists and cache, in one directory.
struct Private {
    options: Vec<String>,
}

impl Private {
    fn new(work: &Path) -> Result<Self> {
        fs::create_dir_all(work.join("lists/partial"))?;
        fs::create_dir_all(work.join("cache/archives/partial"))?;
        let at = |key: &str, name: &str| format!("{key}={}", work.join(name).display());
        let settings = [
            at("Dir::Etc::sourcelist", "sources.list"),
            "Dir::Etc::sourceparts=-".into(),
            at("Dir::State::lists", "lists"),
            at("Dir::Cache", "cache"),
            "Acquire::Languages=none".into(),
            // A mirror may lag; the version is chosen exactly, so age does no harm.
            "Acquire::Check-Valid-Until=false".into(),
            // The cache may be where apt's own user cannot read.
            "APT::Sandbox::User=root".into(),
            // Otherwise an unreachable suite is only a warning.
            "APT::Update::Error-Mode=any".into(),
        ];
        let options = settings.into_iter().flat_map(|s| ["-o".into(), s]);
        Ok(Self {
            options: options.collect(),
        })
    }

    fn job(&self, what: &str, program: &str, limit: Duration) -> Job {
        apt::job(what, program, limit).args(&self.options)
    }
}

fn unpack(work: &Path, sources: &Path, log: &Path) -> Result<()> {
    let entries = fs::read_dir(work)?.flatten().map(|entry| entry.path());
    let deb = |path: &PathBuf| path.extension().is_some_and(|e| e == "deb");
    let Some(package) = entries.into_iter().find(deb) else {
        bail!("apt downloaded no package into {}", work.display());
    };
    let partial = work.join("unpacked");
    Job::new("unpacking rust-src", "dpkg-deb", SHORT)
        .arg("-x")
        .arg(&package)
        .arg(&partial)
        .log(log)?;
    fs::rename(&partial, sources).context("moving the unpacked sources into place")
}

/// Makes `place` in the sysroot a link to the sources; replaces nothing but another link.
fn link(sources: &Path, place: &Path) -> Result<()> {
    if !sources.join("library/core/Cargo.toml").exists() {
        bail!(
            "the package has no library/core below {}; delete it and try again",
            sources.display()
        );
    }
    if place.is_symlink() {
        fs::remove_file(place)?;
    } else if place.exists() {
        bail!(
            "{} is in the way and has no sources of core; move it aside",
            place.display()
        );
    }
    let parent = place.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent)
        .and_then(|()| symlink(sources, place))
        .with_context(|| format!("linking {} to {}", place.display(), sources.display()))
}

/// A value of `rustc -vV`.
fn field<'a>(describe: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = describe.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The versions in the output of `apt-cache madison`.
fn versions(madison: &str) -> Vec<String> {
    let column = |line: &str| line.split('|').nth(1).map(|v| v.trim().to_owned());
    madison.lines().filter_map(column).collect()
}

/// Whether Debian's version, such as `1.95.0+dfsg1-2~bpo13+1`, is of that release.
fn is_release(version: &str, release: &str) -> bool {
    let rest = version.strip_prefix(release);
    rest.is_some_and(|rest| rest.starts_with(['+', '-', '~']))
}

#[cfg(test)]
mod tests;
