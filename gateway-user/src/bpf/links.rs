//! Pinned links: what keeps programs attached while no daemon runs.

use std::{io, path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};
use aya::programs::{
    links::{FdLink, LinkError, PinnedLink},
    loaded_links,
};

use super::settle::settled;

/// The kernel detaches some milliseconds after the last reference is gone.
const DETACH_LIMIT: Duration = Duration::from_secs(3);

/// The link pinned at `path`; `None` where there is none.
pub(super) fn open(path: &Path) -> Result<Option<FdLink>> {
    match PinnedLink::from_pin(path) {
        Ok(link) => Ok(Some(link.into())),
        Err(LinkError::SyscallError(error)) if error.io_error.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => {
            Err(error).with_context(|| format!("cannot open the pinned link {}", path.display()))
        }
    }
}

/// Id of the program that the link pinned at `path` carries; `None` where there is no link.
pub(super) fn program_id(path: &Path) -> Result<Option<u32>> {
    let Some(link) = open(path)? else {
        return Ok(None);
    };
    let info = link.info();
    let info = info.with_context(|| format!("cannot read the link {}", path.display()))?;
    Ok(Some(info.program_id()))
}

/// Pins a new link, so that it outlives us.
pub(super) fn pin(link: FdLink, path: &Path) -> Result<()> {
    link.pin(path)
        .map(drop)
        .with_context(|| format!("cannot pin a link at {}", path.display()))
}

/// Removes the pin and waits until the program is detached. Nothing there: nothing to do.
pub(super) fn remove(path: &Path) -> Result<()> {
    let Some(link) = open(path)? else {
        return Ok(());
    };
    let id = link.info().context("cannot read a pinned link")?.id();
    std::fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    drop(link);
    if !settled(DETACH_LIMIT, || Ok(!exists(id)?))? {
        bail!(
            "link {id} ({}) is still attached after its pin was removed: something else holds \
             it, see `bpftool link show id {id}`",
            path.display()
        );
    }
    Ok(())
}

/// A link that goes away while we look is as good as gone.
fn exists(id: u32) -> Result<bool> {
    for link in loaded_links() {
        match link {
            Ok(link) if link.id() == id => return Ok(true),
            Ok(_) => {}
            Err(LinkError::SyscallError(error))
                if error.io_error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context("cannot list BPF links"),
        }
    }
    Ok(false)
}
