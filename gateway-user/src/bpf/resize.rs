//! A flow table of another size while traffic flows. The kernel cannot change a map, so programs
//! that use another one take the place of those that run, link by link.
//!
//! Established flows are copied before, and what came meanwhile after. A packet of a flow that was
//! established in between, and is not copied yet, gets its backend from the lookup table, as it got
//! it first.

use std::{fs, io};

use anyhow::{Context as _, Result, bail, ensure};
use aya::{
    Ebpf,
    maps::{HashMap, MapData, MapError},
};
use gateway_common::{
    abi::{Flow, FlowKey},
    maps,
};

use super::{load, pins::Pins, programs};

/// Where the new map is pinned until it is the one in force.
const NEXT: &str = "flows.next";
/// `BPF_NOEXIST`: an entry that is there is newer.
const IF_ABSENT: u64 = 1;

/// A table of more than this share of its entries, in percent, evicts what is in use.
const FULL: usize = 75;

/// Loads `object` with a flow table of so many entries, and puts it in force.
///
/// # Errors
/// Where somebody captures, the table would not hold what is established, or the kernel refuses:
/// nothing has changed then.
pub(super) fn resize(object: &[u8], pins: &Pins, hz: u32, entries: u32) -> Result<Ebpf> {
    let Some(_lock) = pins.lock_programs()? else {
        bail!("somebody captures packets: the size changes afterwards");
    };
    let old: HashMap<MapData, FlowKey, Flow> = pins.open(maps::FLOWS)?;
    let bound = usize::try_from(entries)?;
    let used = old.keys().take(bound).filter(Result::is_ok).count();
    ensure!(
        used <= bound / 100 * FULL,
        "{used} entries are in use, too many for {entries}: it shrinks when connections have ended"
    );
    let mut ebpf = load::load_with_flows(object, pins, hz, entries)?;
    let copied = copy(&old, &mut ebpf, 0)?;
    pin_next(&ebpf, pins)?;
    if let Err(error) = programs::replace(&ebpf, pins) {
        programs::restore(pins).context("the programs of before are not back everywhere")?;
        return Err(error);
    }
    fs::rename(pins.map(NEXT), pins.map(maps::FLOWS)).context("cannot pin the new flow table")?;
    programs::pin(&mut ebpf, pins)?;
    copy(&old, &mut ebpf, IF_ABSENT)?;
    tracing::info!("the flow table has {entries} entries now, {copied} of them copied");
    Ok(ebpf)
}

/// Number of entries.
fn copy(old: &HashMap<MapData, FlowKey, Flow>, ebpf: &mut Ebpf, flags: u64) -> Result<usize> {
    let map = ebpf.map_mut(maps::FLOWS);
    let map = map.with_context(|| format!("the BPF object has no map {}", maps::FLOWS))?;
    let mut new: HashMap<&mut MapData, FlowKey, Flow> = HashMap::try_from(map)?;
    let mut copied = 0;
    for entry in old.iter() {
        let (key, flow) = entry.context("cannot read the flow table")?;
        match new.insert(key, flow, flags) {
            Ok(()) => copied += 1,
            Err(MapError::SyscallError(error))
                if error.io_error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).context("cannot write the new flow table"),
        }
    }
    Ok(copied)
}

fn pin_next(ebpf: &Ebpf, pins: &Pins) -> Result<()> {
    let path = pins.map(NEXT);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", path.display()));
        }
        _ => {}
    }
    let map = ebpf.map(maps::FLOWS);
    let map = map.with_context(|| format!("the BPF object has no map {}", maps::FLOWS))?;
    map.pin(&path)
        .with_context(|| format!("cannot pin a map at {}", path.display()))
}
