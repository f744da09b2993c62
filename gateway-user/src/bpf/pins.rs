//! The pin directory: `<root>/v<ABI>/maps/<map>`, `<root>/v<ABI>/links/<hook>-<interface>`, and
//! `<root>/v<ABI>/programs/<program>`.

use std::{
    fs::{self, File},
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use aya::maps::{Map, MapData, MapError};
use gateway_common::maps::ABI_VERSION;
use rustix::fs::{FlockOperation, flock};

use super::object_fd;

/// Paths of everything that we pin.
#[derive(Clone, Debug)]
pub struct Pins {
    root: PathBuf,
    /// Maps are opened for reading alone.
    read_only: bool,
}

/// Held while a daemon (or `unload`) works on the pins; the kernel frees it with the process.
#[derive(Debug)]
pub struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child between fork and exec holds the open file too.
        if let Err(error) = flock(&self.0, FlockOperation::Unlock) {
            tracing::warn!(%error, "cannot unlock the pin directory");
        }
    }
}

impl Pins {
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.into(),
            read_only: false,
        }
    }

    /// For somebody who only looks: the kernel refuses writes to maps that are opened through it.
    ///
    /// # Errors
    /// Where no data path of this version is pinned; the message says what to do.
    pub fn read_only(root: &Path) -> Result<Self> {
        let pins = Self {
            root: root.into(),
            read_only: true,
        };
        pins.ensure_present()?;
        Ok(pins)
    }

    /// # Errors
    /// Where no data path of this version is pinned; the message says what to do.
    pub fn ensure_present(&self) -> Result<()> {
        if !self.maps_dir().exists() {
            let shown = self.root.display();
            match names(&self.root)?.first() {
                Some(other) => bail!(
                    "{shown} holds the data path of another version of xdp-gateway ({other}, this \
                     is v{ABI_VERSION}): use the program that started it"
                ),
                None => bail!(
                    "no data path is pinned in {shown}: start `xdp-gateway run`, or name the \
                     directory with --pin-dir"
                ),
            }
        }
        Ok(())
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn version_dir(&self) -> PathBuf {
        self.root.join(format!("v{ABI_VERSION}"))
    }

    pub fn maps_dir(&self) -> PathBuf {
        self.version_dir().join("maps")
    }

    pub fn links_dir(&self) -> PathBuf {
        self.version_dir().join("links")
    }

    pub fn programs_dir(&self) -> PathBuf {
        self.version_dir().join("programs")
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.programs_dir().join(name)
    }

    pub fn map(&self, name: &str) -> PathBuf {
        self.maps_dir().join(name)
    }

    pub fn link(&self, name: &str) -> PathBuf {
        self.links_dir().join(name)
    }

    /// Something of this version is pinned already.
    pub fn in_use(&self) -> bool {
        self.version_dir().exists()
    }

    pub fn create_root(&self) -> Result<()> {
        fs::create_dir_all(&self.root)
            .with_context(|| format!("cannot create the pin directory {}", self.root.display()))
    }

    pub fn create_dirs(&self) -> Result<()> {
        for dir in [self.maps_dir(), self.links_dir(), self.programs_dir()] {
            fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        }
        Ok(())
    }

    /// Makes us the only one to work on these pins.
    pub fn lock(&self) -> Result<Lock> {
        let Some(lock) = lock(&self.root)? else {
            bail!(
                "another xdp-gateway is running on {}: stop it first, or use another --pin-dir",
                self.root.display()
            )
        };
        Ok(lock)
    }

    /// Makes us the only one to put other programs on the links; `None` where somebody does.
    pub fn lock_programs(&self) -> Result<Option<Lock>> {
        lock(&self.programs_dir())
    }

    /// Refuses pins of another layout, which this version could neither read nor replace.
    pub fn refuse_other_versions(&self) -> Result<()> {
        let ours = format!("v{ABI_VERSION}");
        for name in names(&self.root)? {
            if name != ours {
                bail!(
                    "{} holds the data path of another version of xdp-gateway ({name}, this is \
                     {ours}): run `xdp-gateway unload` first; TCP and UDP routes pause until the \
                     next start",
                    self.root.display()
                );
            }
        }
        Ok(())
    }

    /// Opens a pinned map as a typed one.
    pub fn open<M>(&self, name: &str) -> Result<M>
    where
        M: TryFrom<Map, Error = MapError>,
    {
        self.typed(name, self.map_fd(name)?)
    }

    pub(super) fn map_fd(&self, name: &str) -> Result<OwnedFd> {
        object_fd::map(&self.map(name), self.read_only).with_context(|| self.unusable(name))
    }

    /// Of an open map of this name.
    pub(super) fn typed<M>(&self, name: &str, fd: OwnedFd) -> Result<M>
    where
        M: TryFrom<Map, Error = MapError>,
    {
        let open = || M::try_from(Map::from_map_data(MapData::from_fd(fd)?)?);
        open().with_context(|| self.unusable(name))
    }

    fn unusable(&self, name: &str) -> String {
        format!("cannot use the pinned map {}", self.map(name).display())
    }
}

/// `None` where somebody else holds it.
fn lock(path: &Path) -> Result<Option<Lock>> {
    let shown = path.display();
    let dir = File::open(path).with_context(|| format!("cannot open {shown}"))?;
    match flock(&dir, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(Lock(dir))),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot lock {shown}")),
    }
}

/// Removes what may be pinned at `path`.
pub(super) fn clear(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Names in a directory, sorted; none where it does not exist.
pub(super) fn names(dir: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", dir.display())),
    };
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()
        .with_context(|| format!("cannot read {}", dir.display()))?;
    names.sort();
    Ok(names)
}
