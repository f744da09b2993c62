//! What the programs counted, summed over the CPUs.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use aya::maps::{MapData, PerCpuArray, PerCpuHashMap};
use gateway_common::{
    abi::{BackendStats, Counters},
    maps,
};

use super::pins::Pins;

/// A handle of its own on the counting maps: read it from any thread.
pub struct Stats {
    counters: PerCpuArray<MapData, Counters>,
    backends: PerCpuHashMap<MapData, u32, BackendStats>,
}

impl Stats {
    pub fn open(pins: &Pins) -> Result<Self> {
        Ok(Self {
            counters: pins.open(maps::COUNTERS)?,
            backends: pins.open(maps::BACKEND_STATS)?,
        })
    }

    /// What became of packets since the maps were made; names and kinds: `Counter::describe`.
    pub fn counters(&self) -> Result<Counters> {
        let per_cpu = self
            .counters
            .get(&0, 0)
            .context("cannot read the counters")?;
        let mut sum = Counters::default();
        per_cpu.iter().for_each(|one| sum.merge(one));
        Ok(sum)
    }

    /// Traffic by backend id; a backend without traffic has no entry.
    pub fn backends(&self) -> Result<BTreeMap<u32, BackendStats>> {
        let entries = self.backends.iter().map(|entry| {
            let (id, per_cpu) = entry?;
            let mut sum = BackendStats::default();
            per_cpu.iter().for_each(|one| sum.merge(one));
            Ok((id, sum))
        });
        let all: Result<_, aya::maps::MapError> = entries.collect();
        all.context("cannot read the statistics of backends")
    }
}
