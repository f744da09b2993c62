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

use super::{
    flows, load,
    pins::{Pins, clear},
    programs,
};

/// Where the new map is pinned until it is the one in force. The BPF file system takes no dots.
const NEXT: &str = "flows_next";
/// `BPF_NOEXIST`: an entry that is there is newer.
const IF_ABSENT: u64 = 1;

/// A table of more than this share of its entries, in percent, evicts what is in use.
const FULL: usize = 75;

type Entries = HashMap<MapData, FlowKey, Flow>;

/// Loads `object` with a flow table of so many entries, and puts it in force.
///
/// # Errors
/// Where somebody captures, the table would not hold what is established, or the kernel refuses:
/// nothing has changed then.
pub(super) fn resize(object: &[u8], pins: &Pins, hz: u32, entries: u32) -> Result<Ebpf> {
    let Some(_lock) = pins.lock_programs()? else {
        bail!("somebody captures packets: the size changes afterwards");
    };
    let old: Entries = pins.open(maps::FLOWS)?;
    // One that the kernel evicts under an iterator sends it back to the first.
    let most = 2 * usize::try_from(flows::entries(pins)?)?;
    let bound = usize::try_from(entries)?;
    let used = old.keys().take(bound).filter(Result::is_ok).count();
    ensure!(
        used <= bound / 100 * FULL,
        "more than {FULL} % of {} connections are open; it shrinks when enough have ended",
        entries / 2
    );
    let mut ebpf = load::load(object, pins, hz, Some(entries), programs::in_force(pins))?;
    let copied = copy(old.iter().take(most), &mut ebpf, 0)?;
    pin_next(&ebpf, pins)?;
    if let Err(error) = put_in_force(&ebpf, pins) {
        programs::restore(pins).context("the programs of before are not back everywhere")?;
        return Err(error);
    }
    programs::pin(&mut ebpf, pins)?;
    let late = copy(old.iter().take(most), &mut ebpf, IF_ABSENT)?;
    let (flows, copied) = (entries / 2, (copied + late) / 2);
    tracing::info!("the flow table takes {flows} connections now, {copied} of them copied");
    Ok(ebpf)
}

/// The programs of `ebpf` on every link, and their flow table as the pinned one.
fn put_in_force(ebpf: &Ebpf, pins: &Pins) -> Result<()> {
    programs::replace(ebpf, pins)?;
    fs::rename(pins.map(NEXT), pins.map(maps::FLOWS)).context("cannot pin the new flow table")
}

/// Number of entries.
fn copy(
    old: impl Iterator<Item = Result<(FlowKey, Flow), MapError>>,
    ebpf: &mut Ebpf,
    flags: u64,
) -> Result<usize> {
    let map = ebpf.map_mut(maps::FLOWS);
    let map = map.with_context(|| format!("the BPF object has no map {}", maps::FLOWS))?;
    let mut new: HashMap<&mut MapData, FlowKey, Flow> = HashMap::try_from(map)?;
    let mut copied = 0;
    for entry in old {
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
    clear(&path)?;
    let map = ebpf.map(maps::FLOWS);
    let map = map.with_context(|| format!("the BPF object has no map {}", maps::FLOWS))?;
    map.pin(&path)
        .with_context(|| format!("cannot pin a map at {}", path.display()))
}
