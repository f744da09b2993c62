//! The flow table: listing it, and removing what has outlived its connection.

use anyhow::{Context as _, Result};
use aya::maps::MapInfo;
use gateway_common::{
    abi::{FORWARD, Flow, FlowKey},
    maps::{self, FRESH_MAX},
};
use gateway_core::l4::{Gauges, Sweep, sweep::Fate};

use super::{pins::Pins, table::Table};

/// Entries that one pass over the table removes at most: bounds its memory.
const BATCH: usize = 16_384;

type Entries = Table<FlowKey, Flow>;
/// Keys of entries that are over; `true`: of established flows.
type Dead = Vec<(bool, FlowKey)>;

/// A handle of its own on the flow table, established flows and fresh ones: sweep from a thread
/// that may block.
pub struct Flows {
    pins: Pins,
    established: Entries,
    /// Most entries of `established`.
    size: usize,
    fresh: Entries,
}

/// Result of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub live: Gauges,
    pub removed: usize,
    /// Of these: their backends left, and they did not end in time.
    pub drained: usize,
}

impl Flows {
    pub fn open(pins: &Pins) -> Result<Self> {
        Ok(Self {
            pins: pins.clone(),
            established: Table::open(pins, maps::FLOWS)?,
            size: usize::try_from(entries(pins)?)?,
            fresh: Table::open(pins, maps::FRESH)?,
        })
    }

    /// Looks at the table that is in force now: another may have taken its place.
    pub fn refresh(&mut self) -> Result<()> {
        *self = Self::open(&self.pins)?;
        Ok(())
    }

    /// At most `limit` entries, in no order; both directions are entries.
    pub fn list(&self, limit: usize) -> Result<Vec<(FlowKey, Flow)>> {
        let entries = self.entries().take(limit);
        entries
            .map(|entry| entry.map(|(_, key, flow)| (key, flow)))
            .collect()
    }

    /// Shows every entry, in no order. What comes and goes meanwhile may be missing.
    pub fn each(&self, mut show: impl FnMut(&FlowKey, &Flow)) -> Result<()> {
        for entry in self.entries() {
            let (_, key, flow) = entry?;
            show(&key, &flow);
        }
        Ok(())
    }

    /// The entry of `key` among the established flows.
    pub fn get(&self, key: &FlowKey) -> Result<Option<Flow>> {
        self.established.get(key)
    }

    /// The entry of `key` among those that are not.
    pub fn get_fresh(&self, key: &FlowKey) -> Result<Option<Flow>> {
        self.fresh.get(key)
    }

    /// Of both maps, the established ones (`true`) first.
    fn entries(&self) -> impl Iterator<Item = Result<(bool, FlowKey, Flow)>> {
        let established = self.established.entries().map(|entry| (true, entry));
        let fresh = self.fresh.entries().map(|entry| (false, entry));
        established.chain(fresh).map(|(is_established, entry)| {
            let (key, flow) = entry?;
            Ok((is_established, key, flow))
        })
    }

    /// Removes what `sweep` says, and counts the rest. A full table takes half a second,
    /// and one of which much is removed several times that.
    pub fn sweep(&mut self, sweep: &Sweep) -> Result<Swept> {
        self.refresh()?;
        let mut swept = Swept::default();
        // Enough for a full table.
        let all = self.size.saturating_add(FRESH_MAX as usize);
        for _ in 0..=all.div_ceil(BATCH) {
            let (live, dead, more) = self.pass(sweep)?;
            swept.live = live;
            for (is_established, key) in &dead {
                let removed = match is_established {
                    true => remove(&mut self.established, key, sweep)?,
                    false => remove(&mut self.fresh, key, sweep)?,
                };
                swept.removed += usize::from(removed.is_some());
                // Each flow has an entry of either direction.
                let forward = key.direction == FORWARD;
                swept.drained += usize::from(forward && removed == Some(Fate::Drained));
            }
            if !more {
                break;
            }
        }
        Ok(swept)
    }

    /// What lives, a batch of what does not, and whether there is more of that.
    fn pass(&self, sweep: &Sweep) -> Result<(Gauges, Dead, bool)> {
        let (mut live, mut dead) = (Gauges::default(), Dead::new());
        for entry in self.entries() {
            let (is_established, key, flow) = entry?;
            match sweep.judge(&key, &flow) {
                Fate::Keep(standing) => live.add(&key, &flow, standing),
                _ if dead.len() == BATCH => return Ok((live, dead, true)),
                Fate::Expired | Fate::Orphaned | Fate::Drained => {
                    dead.push((is_established, key));
                }
            }
        }
        Ok((live, dead, false))
    }
}

/// Most entries that the table of established flows takes: two for each.
pub(super) fn entries(pins: &Pins) -> Result<u32> {
    let path = pins.map(maps::FLOWS);
    let info = MapInfo::from_pin(&path);
    let info = info.with_context(|| format!("cannot read the pinned map {}", path.display()))?;
    Ok(info.max_entries())
}

/// Unless a packet came for it in the meantime; why.
fn remove(map: &mut Entries, key: &FlowKey, sweep: &Sweep) -> Result<Option<Fate>> {
    let Some(flow) = map.get(key)? else {
        return Ok(None);
    };
    match sweep.judge(key, &flow) {
        Fate::Keep(_) => Ok(None),
        fate => Ok(map.remove(key)?.then_some(fate)),
    }
}
