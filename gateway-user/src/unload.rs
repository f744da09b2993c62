//! `xdp-gateway unload`: the kernel as it was before the first start.

use anyhow::Result;

use crate::{address, bpf, cli};

/// Removes links, maps and local addresses, and says which. Addresses carry no mark of a pin
/// directory: where that holds nothing, they may be those of a daemon on another one, and stay.
///
/// # Errors
/// Without the privileges for it, or while a daemon runs.
pub async fn unload(options: &cli::Unload) -> Result<()> {
    let pin_dir = options.pin_dir.display();
    let removed = bpf::unload(&options.pin_dir)?;
    if removed.is_empty() {
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
    for path in &removed {
        println!("removed {}", path.display());
    }
    for address in address::remove_all().await? {
        println!("removed the local route to {address}");
    }
    Ok(())
}
