//! The flow table: listing it, and removing what has outlived its connection.

use anyhow::{Context as _, Result};
use aya::maps::{HashMap, MapData, MapError};
use gateway_common::{
    abi::{Flow, FlowKey},
    maps::{self, FLOWS_MAX},
};
use gateway_core::l4::{Gauges, Sweep, sweep::Fate};

use super::pins::Pins;

/// Entries that one sweep removes at most: bounds its memory; the next one goes on.
const BATCH: usize = 16_384;

/// A handle of its own on the flow table: sweep from a thread that may block.
pub struct Flows {
    map: HashMap<MapData, FlowKey, Flow>,
}

/// Result of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub live: Gauges,
    pub removed: usize,
    /// There was more to remove than one batch: sweep again soon.
    pub more: bool,
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

    /// Removes what `sweep` says, at most a batch; counts the rest. Half a second for a full table.
    pub fn sweep(&mut self, sweep: &Sweep) -> Result<Swept> {
        let mut swept = Swept::default();
        let mut dead = Vec::new();
        // An entry that the kernel evicts under the iterator sends it back to the first: bounded.
        for entry in self.map.iter().take(2 * FLOWS_MAX as usize) {
            let (key, flow) = entry.context("cannot read the flow table")?;
            match sweep.judge(&key, &flow) {
                Fate::Keep => swept.live.add(&key, &flow),
                Fate::Expired | Fate::Orphaned if dead.len() < BATCH => dead.push(key),
                Fate::Expired | Fate::Orphaned => swept.more = true,
            }
        }
        for key in &dead {
            swept.removed += usize::from(self.remove(key, sweep)?);
        }
        Ok(swept)
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
