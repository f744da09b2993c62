//! `xdp-gateway unload`: the kernel as it was before the first start.

use anyhow::Result;

use crate::{address, bpf, cli};

/// Removes links, maps and local addresses, and says which.
///
/// # Errors
/// Without the privileges for it, or while a daemon runs.
pub async fn unload(options: &cli::Unload) -> Result<()> {
    let removed = bpf::unload(&options.pin_dir)?;
    for path in &removed {
        println!("removed {}", path.display());
    }
    let addresses = address::remove_all().await?;
    for address in &addresses {
        println!("removed the local route to {address}");
    }
    if removed.is_empty() && addresses.is_empty() {
        println!("nothing to remove: no data path is loaded");
    }
    Ok(())
}
