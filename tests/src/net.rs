//! Networks of namespaces, connected to each other only and deleted with their owner.

pub mod litter;
pub mod namespace;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

pub use self::namespace::Namespace;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A set of namespaces, a directory for files and one for pins, all named after this process.
/// Dropping it removes them; so do SIGINT and SIGTERM, and the next start after a crash.
pub struct Net {
    name: String,
    dir: TempDir,
}

impl Net {
    /// # Errors
    /// Without the privileges to create namespaces.
    pub fn new() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            bail!("networks of namespaces need root: run this as root (sudo -E cargo xtask ...)");
        }
        litter::guard()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = litter::name(std::process::id(), number);
        let _open = litter::creating();
        let dir = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .tempdir()
            .context("cannot create a temporary directory")?;
        Ok(Self { name, dir })
    }

    /// A new namespace with its loopback up and IPv6 off, so that nothing unasked is sent.
    ///
    /// # Errors
    /// `ip netns add` fails.
    pub fn namespace(&self, role: &str) -> Result<Namespace> {
        let _open = litter::creating();
        Namespace::create(&format!("{}{role}", self.prefix()), role, self.dir.path())
    }

    /// Connects two namespaces. `addresses` are `a.b.c.d/len`, for the first and the second.
    /// The first end leaves checksums to no one else, as a packet on a real wire does.
    ///
    /// # Errors
    /// `ip` or `ethtool` fails.
    pub fn connect(&self, ends: [(&Namespace, &str, &str); 2]) -> Result<()> {
        let [(first, first_if, _), (second, second_if, _)] = ends;
        first.ip(&format!(
            "link add {first_if} type veth peer name {second_if} netns {}",
            second.name()
        ))?;
        for (namespace, interface, address) in ends {
            namespace.ip(&format!("address add {address} dev {interface}"))?;
            namespace.ip(&format!("link set {interface} up"))?;
        }
        first.run("ethtool", ["-K", first_if, "tx", "off"])?;
        Ok(())
    }

    /// What the names of all its things begin with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Files of this network: logs, configuration.
    pub fn dir(&self) -> PathBuf {
        self.dir.path().to_path_buf()
    }

    /// A directory in the BPF file system for this network's daemon.
    pub fn pins(&self) -> PathBuf {
        litter::pins(&self.name)
    }

    fn prefix(&self) -> String {
        format!("{}-", self.name)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        litter::remove(&self.name);
    }
}
