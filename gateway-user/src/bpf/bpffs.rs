//! The BPF file system, which holds the pins.

use std::{ffi::CStr, fs, path::Path};

use anyhow::{Context as _, Result, bail};
use rustix::{
    fs::statfs,
    mount::{MountFlags, mount},
};

const MOUNT_POINT: &str = "/sys/fs/bpf";
/// `f_type` of a BPF file system (linux/magic.h).
const BPF_FS_MAGIC: i64 = 0xcafe_4a11;
const NO_OPTIONS: Option<&CStr> = None;

/// Mounts the BPF file system at its usual place if it is not there, and checks that `pin_dir`
/// lies on one.
pub(super) fn ensure(pin_dir: &Path) -> Result<()> {
    let existing = pin_dir.ancestors().find(|dir| dir.exists());
    let existing = existing.context("the pin directory must be an absolute path")?;
    if is_bpffs(existing)? {
        return Ok(());
    }
    if !pin_dir.starts_with(MOUNT_POINT) {
        bail!(
            "{} is not on a BPF file system: use a directory below {MOUNT_POINT}, or mount one \
             with `mount -t bpf bpf DIR`",
            pin_dir.display()
        );
    }
    fs::create_dir_all(MOUNT_POINT).with_context(|| format!("cannot create {MOUNT_POINT}"))?;
    mount("bpf", MOUNT_POINT, "bpf", MountFlags::empty(), NO_OPTIONS).with_context(|| {
        format!(
            "cannot mount the BPF file system at {MOUNT_POINT}: run as root, or mount it before"
        )
    })
}

fn is_bpffs(dir: &Path) -> Result<bool> {
    let found = statfs(dir).with_context(|| format!("cannot look at {}", dir.display()))?;
    Ok(found.f_type == BPF_FS_MAGIC)
}
