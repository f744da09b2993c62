//! What a network leaves in the system, found again by name alone: that also works after a
//! crash, and for what another process (the daemon) created.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, exit},
    sync::{Mutex, MutexGuard, Once, PoisonError},
    thread,
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use super::namespace;

const MARK: &str = "xdpgw-bed";
const BPF_FS: &str = "/sys/fs/bpf";

/// Held while something is created, so that a signal cleans up before or after, never between.
static CREATING: Mutex<()> = Mutex::new(());

/// Name of the network `number` of process `owner`; all of its things begin with it.
pub fn name(owner: u32, number: u32) -> String {
    format!("{MARK}-{owner}-{number}")
}

/// The process that a name belongs to.
fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(MARK)?
        .strip_prefix('-')?
        .split('-')
        .next()?
        .parse()
        .ok()
}

pub(super) fn creating() -> MutexGuard<'static, ()> {
    CREATING.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn pins(name: &str) -> PathBuf {
    Path::new(BPF_FS).join(name)
}

/// Kills what runs in the network's namespaces and removes namespaces, pins and files.
/// Goes on where one thing fails: the others shall go nevertheless.
pub(super) fn remove(name: &str) {
    // Not beside the removal that a signal asked for.
    let _open = creating();
    remove_where(|found| {
        found == name || found.strip_prefix(name).is_some_and(|r| r.starts_with('-'))
    });
}

/// Everything of ours that is there now, by name.
pub fn list() -> Vec<String> {
    let names = [Path::new(BPF_FS).to_path_buf(), std::env::temp_dir()];
    let entries = names.iter().flat_map(|dir| entries(dir));
    let paths = entries.map(|path| path.display().to_string());
    let namespaces = namespace::all().into_iter().filter(|n| owner(n).is_some());
    namespaces.chain(paths).collect()
}

/// Removes what dead owners left, once for each process, and sees to it that a signal to end
/// this process removes what it owns. Each new network asks for it; earlier is possible.
///
/// # Errors
/// Signals cannot be watched.
pub fn guard() -> Result<()> {
    static GUARDED: Once = Once::new();
    let mut started = Ok(());
    GUARDED.call_once(|| {
        remove_where(|name| owner(name).is_some_and(|pid| !alive(pid)));
        started = watch_signals();
    });
    started
}

fn remove_where(ours: impl Fn(&str) -> bool) {
    for namespace in namespace::all().into_iter().filter(|n| ours(n)) {
        let listed = run("ip", &["netns", "pids", &namespace]);
        for pid in listed
            .split_whitespace()
            .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        {
            // Fails only for a process that has ended meanwhile.
            let _ = kill_process(pid, Signal::KILL);
        }
        run("ip", &["netns", "delete", &namespace]);
    }
    for dir in [Path::new(BPF_FS).to_path_buf(), std::env::temp_dir()] {
        for path in entries(&dir) {
            if path.file_name().and_then(|n| n.to_str()).is_some_and(&ours)
                && let Err(error) = fs::remove_dir_all(&path)
                && path.exists()
            {
                eprintln!("cannot remove {}: {error}", path.display());
            }
        }
    }
}

/// Entries of a directory that bear our mark.
fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let marked = |name: &std::ffi::OsStr| name.to_str().and_then(owner).is_some();
    entries
        .filter(|e| marked(&e.file_name()))
        .map(|e| e.path())
        .collect()
}

fn alive(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

fn run(program: &str, args: &[&str]) -> String {
    match namespace::output(Command::new(program).args(args)) {
        Ok(said) => said,
        Err(error) => {
            eprintln!("{error:#}");
            String::new()
        }
    }
}

fn watch_signals() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Registered here rather than in the thread: from now on no signal is lost.
    let (mut interrupt, mut terminate, mut hangup) = {
        let _inside = runtime.enter();
        let watch = |kind| signal(kind).context("cannot watch signals");
        (
            watch(SignalKind::interrupt())?,
            watch(SignalKind::terminate())?,
            watch(SignalKind::hangup())?,
        )
    };
    thread::spawn(move || {
        let number = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => 2,
                _ = terminate.recv() => 15,
                _ = hangup.recv() => 1,
            }
        });
        let _closed = creating();
        let me = std::process::id();
        remove_where(|name| owner(name) == Some(me));
        exit(128 + number);
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_owner_and_others_names_tell_none() {
        assert_eq!(owner(&format!("{}-client", name(42, 7))), Some(42));
        for other in [
            "xdpgw-bed",
            "xdpgw-bed-x-1",
            "xdp-gateway",
            "my-xdpgw-bed-1-1",
        ] {
            assert_eq!(owner(other), None, "{other}");
        }
    }
}
