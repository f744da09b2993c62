//! The control groups below which a node's kubelet keeps those of its pods.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// Makes a group in every hierarchy.
pub(super) fn make(name: &str) -> Result<()> {
    for hierarchy in hierarchies()? {
        let group = hierarchy.join(name);
        fs::create_dir_all(&group).with_context(|| format!("cannot make {}", group.display()))?;
        // Version 1: a group takes no process before it is told processors and memory.
        for file in ["cpuset.cpus", "cpuset.mems"] {
            if let Ok(all) = fs::read(hierarchy.join(file))
                && group.join(file).exists()
            {
                fs::write(group.join(file), all)
                    .with_context(|| format!("{file} of {}", group.display()))?;
            }
        }
    }
    Ok(())
}

/// Removes the groups whose names begin so, and all below them. Their processes have ended.
pub(super) fn remove(prefix: &str) -> Result<()> {
    for hierarchy in hierarchies()? {
        for entry in fs::read_dir(&hierarchy)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(prefix) && entry.path().is_dir() {
                remove_below(&entry.path())
                    .with_context(|| format!("cannot remove {}", entry.path().display()))?;
            }
        }
    }
    Ok(())
}

/// Groups are directories that only `rmdir` removes, their files with them.
fn remove_below(group: &Path) -> io::Result<()> {
    for entry in fs::read_dir(group)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_below(&path)?;
        }
    }
    fs::remove_dir(group)
}

fn hierarchies() -> Result<Vec<PathBuf>> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("/proc is not mounted")?;
    Ok(mounted(&mounts))
}

/// Mount points of control groups of both versions, from /proc/self/mounts.
fn mounted(mounts: &str) -> Vec<PathBuf> {
    let fields = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>());
    let groups = fields.filter(|f| f.len() > 2 && matches!(f[2], "cgroup" | "cgroup2"));
    groups.map(|f| PathBuf::from(f[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_of_both_versions_are_found() {
        let mounts = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
                      cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let expected = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified"].map(PathBuf::from);
        assert_eq!(mounted(mounts), expected);
    }

    #[test]
    fn groups_go_from_the_innermost_outwards() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let group = dir.path().join("group");
        fs::create_dir_all(group.join("a/b")).expect("directories");
        remove_below(&group).expect("removed");
        assert!(!group.exists());
    }
}
