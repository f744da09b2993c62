//! Pinned links: what keeps programs attached while no daemon runs.

use std::{io, path::Path};

use anyhow::{Context as _, Result};
use aya::programs::links::{FdLink, LinkError, PinnedLink};

use super::object_fd::LinkFd;

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

/// Detaches the program, then removes the pin. Nothing there: nothing to do.
pub(super) fn remove(path: &Path) -> Result<()> {
    let shown = path.display();
    let open = LinkFd::open(path).with_context(|| format!("cannot open the pinned link {shown}"));
    let Some(link) = open? else {
        return Ok(());
    };
    link.detach()
        .with_context(|| format!("cannot detach the link {shown}"))?;
    std::fs::remove_file(path).with_context(|| format!("cannot remove {shown}"))
}

/// Index of the interface that the pinned XDP or tcx link leads to; `None` where there is no link,
/// or its interface is gone.
pub(super) fn interface(path: &Path) -> Result<Option<u32>> {
    let shown = path.display();
    let open = LinkFd::open(path).with_context(|| format!("cannot open the pinned link {shown}"));
    let Some(link) = open? else {
        return Ok(None);
    };
    let index = link.interface();
    let index = index.with_context(|| format!("cannot read the link {shown}"))?;
    Ok((index != 0).then_some(index))
}
