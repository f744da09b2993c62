//! The flow table: listing it, and removing what has outlived its connection.

use anyhow::{Context as _, Result};
use aya::maps::{HashMap, MapData, MapError};
use gateway_common::{
    abi::{Flow, FlowKey},
    maps::{self, FLOWS_MAX},
};
use gateway_core::l4::{Gauges, Sweep, sweep::Fate};

use super::pins::Pins;

/// Entries that one pass over the table removes at most: bounds its memory.
const BATCH: usize = 16_384;
/// Passes of one sweep: enough for a full table.
const PASSES: usize = (FLOWS_MAX as usize).div_ceil(BATCH) + 1;

/// A handle of its own on the flow table: sweep from a thread that may block.
pub struct Flows {
    map: HashMap<MapData, FlowKey, Flow>,
}

/// Result of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub live: Gauges,
    pub removed: usize,
}

impl Flows {
    pub fn open(pins: &Pins) -> Result<Self> {
        Ok(Self {
            map: pins.open(maps::FLOWS)?,
        })
    }

    /// At most `limit` entries, in no order; both directions are entries.
    pub fn list(&self, limit: usize) -> Result<Vec<(FlowKey, Flow)>> {
        let entries = self.map.iter().take(limit);
        entries
            .collect::<Result<_, _>>()
            .context("cannot read the flow table")
    }

    /// Shows every entry, in no order. What comes and goes meanwhile may be shown, twice at worst.
    pub fn each(&self, mut show: impl FnMut(&FlowKey, &Flow)) -> Result<()> {
        for entry in self.map.iter().take(2 * FLOWS_MAX as usize) {
            let (key, flow) = entry.context("cannot read the flow table")?;
            show(&key, &flow);
        }
        Ok(())
    }

    /// The entry of `key`.
    pub fn get(&self, key: &FlowKey) -> Result<Option<Flow>> {
        match self.map.get(key, 0) {
            Ok(flow) => Ok(Some(flow)),
            Err(MapError::KeyNotFound) => Ok(None),
            Err(error) => Err(error).context("cannot read the flow table"),
        }
    }

    /// Removes what `sweep` says, and counts the rest. A full table takes half a second,
    /// and one of which much is removed several times that.
    pub fn sweep(&mut self, sweep: &Sweep) -> Result<Swept> {
        let mut swept = Swept::default();
        for _ in 0..PASSES {
            let (live, dead, more) = self.pass(sweep)?;
            swept.live = live;
            for key in &dead {
                swept.removed += usize::from(self.remove(key, sweep)?);
            }
            if !more {
                break;
            }
        }
        Ok(swept)
    }

    /// What lives, a batch of what does not, and whether there is more of that.
    fn pass(&self, sweep: &Sweep) -> Result<(Gauges, Vec<FlowKey>, bool)> {
        let (mut live, mut dead) = (Gauges::default(), Vec::new());
        // An entry that the kernel evicts under the iterator sends it back to the first: bounded.
        for entry in self.map.iter().take(2 * FLOWS_MAX as usize) {
            let (key, flow) = entry.context("cannot read the flow table")?;
            match sweep.judge(&key, &flow) {
                Fate::Keep => live.add(&key, &flow),
                Fate::Expired | Fate::Orphaned if dead.len() < BATCH => dead.push(key),
                Fate::Expired | Fate::Orphaned => return Ok((live, dead, true)),
            }
        }
        Ok((live, dead, false))
    }

    /// Unless a packet came for it in the meantime.
    fn remove(&mut self, key: &FlowKey, sweep: &Sweep) -> Result<bool> {
        match self.map.get(key, 0) {
            Ok(flow) if sweep.judge(key, &flow) == Fate::Keep => return Ok(false),
            Ok(_) => {}
            Err(MapError::KeyNotFound) => return Ok(false),
            Err(error) => return Err(error).context("cannot read the flow table"),
        }
        Ok(self.map.remove(key).is_ok())
    }
}
