//! `xdp-gateway unload`: the kernel as it was before the first start.

use std::{
    collections::BTreeSet,
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::{address, bpf, cli};

/// What [`remove`] found and removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Links, maps and directories.
    pub paths: Vec<PathBuf>,
    /// Whose local routes.
    pub addresses: BTreeSet<IpAddr>,
}

/// Removes links, maps and local addresses, and says which. Addresses carry no mark of a pin
/// directory: where that holds nothing, they may be those of a daemon on another one, and stay.
///
/// # Errors
/// Without the privileges for it, or while a daemon runs.
pub async fn unload(options: &cli::Unload) -> Result<()> {
    let pin_dir = options.pin_dir.display();
    let removed = remove(&options.pin_dir).await?;
    if removed.paths.is_empty() {
        println!("nothing to remove: no data path is pinned in {pin_dir}");
        for address in address::all().await? {
            println!(
                "the local route to {address} stays: unload the --pin-dir it belongs to; if there \
                 is none any more: ip route flush table local proto {}",
                address::PROTOCOL
            );
        }
        return Ok(());
    }
    for path in &removed.paths {
        println!("removed {}", path.display());
    }
    for address in &removed.addresses {
        println!("removed the local route to {address}");
    }
    Ok(())
}

/// Removes links and maps below `pin_dir`, and, where there were any, the local routes.
///
/// # Errors
/// As [`unload`].
pub async fn remove(pin_dir: &Path) -> Result<Removed> {
    let paths = bpf::unload(pin_dir)?;
    let addresses = if paths.is_empty() {
        BTreeSet::new()
    } else {
        address::remove_all().await?
    };
    Ok(Removed { paths, addresses })
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pins, routes) = (self.paths.len(), self.addresses.len());
        write!(f, "pins: {pins}, local routes: {routes}")
    }
}
