//! What the programs counted, summed over the CPUs.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use aya::maps::{MapData, PerCpuArray, PerCpuHashMap};
use gateway_common::{
    abi::{BackendStats, Count, Counters},
    maps,
    splice::{HelloKind, Outcome},
};

use super::pins::Pins;

/// A handle of its own on the counting maps: read it from any thread.
pub struct Stats {
    counters: PerCpuArray<MapData, Counters>,
    backends: PerCpuHashMap<MapData, u32, BackendStats>,
    tls_outcomes: PerCpuArray<MapData, Count>,
    tls_hellos: PerCpuArray<MapData, u64>,
}

impl Stats {
    pub fn open(pins: &Pins) -> Result<Self> {
        Ok(Self {
            counters: pins.open(maps::COUNTERS)?,
            backends: pins.open(maps::BACKEND_STATS)?,
            tls_outcomes: pins.open(maps::TLS_OUTCOMES)?,
            tls_hellos: pins.open(maps::TLS_HELLOS_READ)?,
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

    /// What became of packets of TLS passthrough since the maps were made, in the order of
    /// `Outcome::ALL`.
    pub fn tls_outcomes(&self) -> Result<Vec<(Outcome, Count)>> {
        let sums = Outcome::ALL.iter().map(|&outcome| {
            let per_cpu = self.tls_outcomes.get(&(outcome as u32), 0)?;
            let mut sum = Count::default();
            for one in per_cpu.iter() {
                sum.packets += one.packets;
                sum.bytes += one.bytes;
            }
            Ok((outcome, sum))
        });
        let all: Result<_, aya::maps::MapError> = sums.collect();
        all.context("cannot read what became of packets of TLS passthrough")
    }

    /// Hellos of TLS passthrough that were read since the maps were made, in the order of
    /// `HelloKind::ALL`.
    pub fn tls_hellos(&self) -> Result<Vec<(HelloKind, u64)>> {
        let sums = HelloKind::ALL.iter().map(|&kind| {
            let per_cpu = self.tls_hellos.get(&(kind as u32), 0)?;
            Ok((kind, per_cpu.iter().sum()))
        });
        let all: Result<_, aya::maps::MapError> = sums.collect();
        all.context("cannot read what hellos of TLS passthrough are")
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
