//! A node: namespaces of its own, held by a first process with whose end everything in it ends.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::wait::wait_until;

use super::{
    cgroups,
    components::{Component, components},
    config,
    pki::{Authority, subjects},
    plan::{Node, Plan},
};
use crate::process::Job;

/// Holds the namespaces of a node; its argument says of which.
const FIRST: &str = "/run/tools/pause";
const SHORT: Duration = Duration::from_secs(20);

/// Writes what the node's components read into the directory that it sees as /var.
pub(super) fn prepare(plan: &Plan, node: &Node, authority: &Authority, var: &Path) -> Result<()> {
    let home = below(var, config::HOME);
    for dir in ["lib/kubernetes/cni", "lib/kubernetes/start", "log", "tmp"] {
        fs::create_dir_all(var.join(dir))?;
    }
    symlink("/run", var.join("run"))?;
    let pki = home.join("pki");
    authority.write(&pki, &subjects(plan, node))?;
    if node.control_plane {
        authority.write_service_accounts(&pki)?;
    }
    for (name, text) in config::files(plan, node) {
        fs::write(home.join(name), text)?;
    }
    for component in components(plan, node) {
        let script = home.join("start").join(component.name);
        fs::write(&script, component.script())?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Makes the namespaces of the node, whose network is there, and waits for its first process.
pub(super) fn begin(node: &Node, var: &Path, tools: &Path, log: &Path) -> Result<()> {
    cgroups::make(&node.namespace)?;
    // Leaves the parent of the first process behind, which ends with it.
    Job::new(format!("starting {}", node.name), "setsid", SHORT)
        .args(["--fork", "nsenter"])
        .arg(format!("--net=/run/netns/{}", node.namespace))
        .args(["unshare", "--mount", "--propagation=private", "--uts"])
        .args(["--ipc", "--pid", "--fork", "--mount-proc"])
        .args(["sh", "-c", include_str!("node.sh"), "sh"])
        .args([&node.namespace, &node.name])
        .args([var, tools])
        .log(log)?;
    let what = format!("{} has its namespaces", node.name);
    wait_until(SHORT, &what, || Ok(first_process(node).is_some()))
        .map(drop)
        .with_context(|| fs::read_to_string(log).unwrap_or_default())
}

/// Starts one of the node's components with the script that [`prepare`] wrote; returns when it runs
/// by its own name, not only the shell that becomes it.
pub(super) fn start(node: &Node, component: &Component, var: &Path) -> Result<()> {
    let name = component.name;
    let script = format!("{}/start/{name}", config::HOME);
    Job::new(
        format!("starting {name} on {}", node.name),
        "nsenter",
        SHORT,
    )
    .args(enter(node)?)
    .arg(script)
    .show()?;
    let what = format!("{name} has started");
    wait_until(SHORT, &what, || is_running(node, name))
        .map(drop)
        .with_context(|| tail(&log(var, name)))
}

/// Errors if a component of the node has ended, with the end of its log.
pub(super) fn expect_running(plan: &Plan, node: &Node, var: &Path) -> Result<()> {
    for component in components(plan, node) {
        ensure!(
            is_running(node, component.name)?,
            "{} on {} has ended; {}",
            component.name,
            node.name,
            tail(&log(var, component.name))
        );
    }
    Ok(())
}

/// Whether a component was started and has not ended.
pub(super) fn is_running(node: &Node, component: &str) -> Result<bool> {
    let file = component_pid_file(node, component)?;
    let Ok(pid) = fs::read_to_string(&file) else {
        return Ok(false);
    };
    // As the node numbers its processes.
    let root = root(node)?;
    let name = root.join("proc").join(pid.trim()).join("comm");
    // The kernel keeps 15 characters of a name; a number may have gone to another process.
    let name = fs::read_to_string(name).unwrap_or_default();
    Ok(!name.trim().is_empty() && component.starts_with(name.trim()))
}

/// Arguments for `nsenter` that lead into the node; a program and its arguments follow.
pub(super) fn enter(node: &Node) -> Result<Vec<String>> {
    let pid = expect_first_process(node)?;
    let mut all = vec![format!("--target={pid}")];
    let namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--wdns=/"];
    all.extend(namespaces.map(String::from));
    Ok(all)
}

/// A path that the node sees below /var, as seen from outside.
pub(super) fn below(var: &Path, path: &str) -> PathBuf {
    var.join(path.strip_prefix("/var/").unwrap_or(path))
}

/// The first process of a node, found by what it calls itself: no file can be out of date.
pub(super) fn first_process(node: &Node) -> Option<u32> {
    let all = first_processes().into_iter();
    let mut own = all.filter(|(_, namespace)| *namespace == node.namespace);
    own.next().map(|(pid, _)| pid)
}

/// (process, namespace) of every node there is.
pub(super) fn first_processes() -> Vec<(u32, String)> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let found = processes.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let command = fs::read(entry.path().join("cmdline")).ok()?;
        Some((pid, named(&command)?))
    });
    found.collect()
}

/// Reads /proc/PID/cmdline.
fn named(command: &[u8]) -> Option<String> {
    let mut words = command.split(|byte| *byte == 0);
    let first = words.next()? == FIRST.as_bytes();
    let name = String::from_utf8(words.next()?.to_vec()).ok()?;
    (first && name.starts_with(super::plan::NODE)).then_some(name)
}

fn expect_first_process(node: &Node) -> Result<u32> {
    first_process(node).with_context(|| {
        format!(
            "{} does not run; `cargo xtask cluster down` and `up` make it anew",
            node.name
        )
    })
}

fn component_pid_file(node: &Node, component: &str) -> Result<PathBuf> {
    Ok(root(node)?.join("run").join(format!("{component}.pid")))
}

/// The node's files, as seen from outside.
fn root(node: &Node) -> Result<PathBuf> {
    let pid = expect_first_process(node)?;
    Ok(Path::new("/proc").join(pid.to_string()).join("root"))
}

fn log(var: &Path, component: &str) -> PathBuf {
    var.join("log").join(format!("{component}.log"))
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(15)..].join("\n  | ");
    format!("the end of {}:\n  | {last}", log.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_holder_of_a_nodes_namespaces_is_one() {
        assert_eq!(
            named(b"/run/tools/pause\0xdpgw-node3\0").as_deref(),
            Some("xdpgw-node3")
        );
        // A pod's, and a search for it.
        assert_eq!(named(b"/pause\0"), None);
        assert_eq!(named(b"/run/tools/pause\0"), None);
        assert_eq!(named(b"grep\0/run/tools/pause\0xdpgw-node0\0"), None);
        assert_eq!(named(b""), None);
    }

    #[test]
    fn paths_of_a_node_are_found_from_outside() {
        let path = below(Path::new("/state/node0"), "/var/lib/kubernetes");
        assert_eq!(path, Path::new("/state/node0/lib/kubernetes"));
    }
}
