//! Ends the kernel data path: programs detached, maps and directories removed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use aya::programs::loaded_programs;

use super::{
    links,
    pins::{Pins, names},
    settle::settled,
};

/// The kernel frees programs some milliseconds after their last reference is gone.
const FREE_LIMIT: Duration = Duration::from_secs(1);

/// Removes everything below `pin_dir`, of every version; returns the paths that were removed,
/// maps last. Nothing there: nothing removed. Refused while a daemon runs.
pub fn unload(pin_dir: &Path) -> Result<Vec<PathBuf>> {
    if !pin_dir.exists() {
        return Ok(Vec::new());
    }
    let pins = Pins::new(pin_dir);
    let _lock = pins.lock()?;
    remove_all(&pins)
}

/// As [`unload`], for the holder of the lock.
pub(super) fn remove_all(pins: &Pins) -> Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    let mut programs = BTreeSet::new();
    let versions: Vec<_> = children(pins.root())?;
    // A pin would keep a program that is wanted no more.
    remove_files("programs", &versions, &mut removed)?;
    for link in grand_children(&versions, "links")? {
        programs.extend(links::program_id(&link)?);
        links::remove(&link)?;
        removed.push(link);
    }
    wait_until_freed(&programs)?;
    remove_files("maps", &versions, &mut removed)?;
    for version in versions {
        for dir in children(&version)?.into_iter().chain([version]) {
            remove_dir(&dir, &mut removed)?;
        }
    }
    remove_dir(pins.root(), &mut removed)?;
    Ok(removed)
}

fn children(dir: &Path) -> Result<Vec<PathBuf>> {
    Ok(names(dir)?.into_iter().map(|name| dir.join(name)).collect())
}

fn grand_children(versions: &[PathBuf], kind: &str) -> Result<Vec<PathBuf>> {
    let lists = versions.iter().map(|version| children(&version.join(kind)));
    Ok(lists.collect::<Result<Vec<_>>>()?.concat())
}

fn remove_files(kind: &str, versions: &[PathBuf], removed: &mut Vec<PathBuf>) -> Result<()> {
    for file in grand_children(versions, kind)? {
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        removed.push(file);
    }
    Ok(())
}

/// Only empty directories: what is not ours stays, and says so.
fn remove_dir(dir: &Path, removed: &mut Vec<PathBuf>) -> Result<()> {
    fs::remove_dir(dir).with_context(|| {
        format!(
            "cannot remove {}: does it hold something of another program?",
            dir.display()
        )
    })?;
    removed.push(dir.into());
    Ok(())
}

/// So that "unloaded" is true when we say so. Another holder of a program is no error.
fn wait_until_freed(programs: &BTreeSet<u32>) -> Result<bool> {
    let loaded = || {
        loaded_programs()
            .flatten()
            .any(|p| programs.contains(&p.id()))
    };
    settled(FREE_LIMIT, || Ok(!loaded()))
}
