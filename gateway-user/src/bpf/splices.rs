//! The tables of TLS passthrough: listing connections, and removing what has outlived them.

use anyhow::Result;
use gateway_common::{
    abi::FlowKey,
    maps::{self, HELLOS_MAX, LONG_HELLOS_MAX},
    splice::{HalfOpen, Hello, ShortHello, Splice, is_loose, tie_of},
};
use gateway_core::l4::{
    Sweep,
    sweep::{
        Fate,
        splices::{SpliceGauges, Suspects, has_hello},
    },
};

use super::{pins::Pins, table::Table};

/// Entries that one pass over a table removes at most: bounds its memory.
const BATCH: usize = 16_384;
/// Sweeps from one look at the ties to the next: few are ever loose, and they are many.
const TIES: u32 = 12;

/// A handle of its own on the tables: sweep from a thread that may block.
pub struct Splices {
    splices: Table<FlowKey, Splice>,
    ties: Table<FlowKey, FlowKey>,
    hellos: Table<FlowKey, ShortHello>,
    long_hellos: Table<FlowKey, Hello>,
    half_open: Table<FlowKey, HalfOpen>,
    loose_hellos: Suspects,
    loose_ties: Suspects,
    sweeps: u32,
}

/// Result of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SplicesSwept {
    pub live: SpliceGauges,
    /// Entries of all tables, a connection being one.
    pub removed: usize,
    /// Connections whose backends left, and that did not end in time: they stay, until both ends know.
    pub drained: usize,
}

impl Splices {
    pub fn open(pins: &Pins) -> Result<Self> {
        Ok(Self {
            splices: Table::open(pins, maps::SPLICES)?,
            ties: Table::open(pins, maps::TIES)?,
            hellos: Table::open(pins, maps::HELLOS)?,
            long_hellos: Table::open(pins, maps::LONG_HELLOS)?,
            half_open: Table::open(pins, maps::HALF_OPEN)?,
            loose_hellos: Suspects::default(),
            loose_ties: Suspects::default(),
            sweeps: 0,
        })
    }

    /// Shows every connection, in no order. What comes and goes meanwhile may be missing.
    pub fn each(&self, mut show: impl FnMut(&FlowKey, &Splice)) -> Result<()> {
        for entry in self.splices.entries() {
            let (key, splice) = entry?;
            show(&key, &splice);
        }
        Ok(())
    }

    /// The connection of this client.
    pub fn get(&self, client: &FlowKey) -> Result<Option<Splice>> {
        self.splices.get(client)
    }

    /// The client that a backend's packets are for.
    pub fn tied(&self, backend: &FlowKey) -> Result<Option<FlowKey>> {
        self.ties.get(backend)
    }

    /// Removes what `sweep` says, and what no connection leads to; counts the rest. A full table
    /// takes a second or two.
    pub fn sweep(&mut self, sweep: &Sweep) -> Result<SplicesSwept> {
        let mut swept = SplicesSwept::default();
        self.sweep_connections(sweep, &mut swept)?;
        self.sweep_hellos(&mut swept)?;
        self.sweep_half_open(sweep, &mut swept)?;
        if self.sweeps.is_multiple_of(TIES) {
            self.sweep_ties(&mut swept)?;
        }
        self.sweeps = self.sweeps.wrapping_add(1);
        Ok(swept)
    }

    fn sweep_connections(&mut self, sweep: &Sweep, swept: &mut SplicesSwept) -> Result<()> {
        loop {
            let mut dead = Vec::new();
            swept.live = SpliceGauges::default();
            for entry in self.splices.entries() {
                let (key, splice) = entry?;
                match sweep.judge_splice(&splice) {
                    Fate::Keep(standing) => swept.live.add(&splice, standing),
                    _ if dead.len() == BATCH => break,
                    _ => dead.push(key),
                }
            }
            for key in &dead {
                match self.end(key, sweep)? {
                    Some(Fate::Drained) => swept.drained += 1,
                    fate => swept.removed += usize::from(fate.is_some()),
                }
            }
            if dead.len() < BATCH {
                return Ok(());
            }
        }
    }

    /// Removes a connection with all that is kept beside it, or marks it as drained, unless a packet
    /// came for it in the meantime; why.
    fn end(&mut self, key: &FlowKey, sweep: &Sweep) -> Result<Option<Fate>> {
        let Some(mut splice) = self.get(key)? else {
            return Ok(None);
        };
        let fate = match sweep.judge_splice(&splice) {
            Fate::Keep(_) => return Ok(None),
            Fate::Drained => {
                splice.drain(sweep.clock.now);
                let marked = self.splices.replace(key, splice)?;
                return Ok(marked.then_some(Fate::Drained));
            }
            fate => fate,
        };
        let back = tie_of(&splice);
        if self.ties.get(&back)?.as_ref() == Some(key) {
            self.ties.remove(&back)?;
        }
        if splice.has_hello() {
            self.remove_hello(key)?;
        }
        let removed = self.splices.remove(key)?;
        Ok(removed.then_some(fate))
    }

    fn sweep_hellos(&mut self, swept: &mut SplicesSwept) -> Result<()> {
        self.loose_hellos.turn();
        let mut dead = Vec::new();
        let short = self.hellos.keys(2 * HELLOS_MAX as usize);
        let long = self.long_hellos.keys(2 * LONG_HELLOS_MAX as usize);
        for key in short.chain(long) {
            let key = key?;
            match has_hello(self.splices.get(&key)?.as_ref()) {
                true => swept.live.hellos += 1,
                false if self.loose_hellos.again(key) => dead.push(key),
                false => {}
            }
        }
        for key in dead {
            if !has_hello(self.splices.get(&key)?.as_ref()) {
                swept.removed += usize::from(self.remove_hello(&key)?);
            }
        }
        Ok(())
    }

    fn remove_hello(&mut self, key: &FlowKey) -> Result<bool> {
        let short = self.hellos.remove(key)?;
        Ok(self.long_hellos.remove(key)? || short)
    }

    fn sweep_half_open(&mut self, sweep: &Sweep, swept: &mut SplicesSwept) -> Result<()> {
        let mut dead = Vec::new();
        for entry in self.half_open.entries() {
            let (key, half_open) = entry?;
            match sweep.is_outdated(&half_open) {
                true => dead.push(key),
                false => swept.live.half_open += 1,
            }
        }
        for key in dead {
            // Another SYN may have taken its place.
            let now = self.half_open.get(&key)?;
            if now.is_some_and(|half_open| sweep.is_outdated(&half_open)) {
                swept.removed += usize::from(self.half_open.remove(&key)?);
            }
        }
        Ok(())
    }

    fn sweep_ties(&mut self, swept: &mut SplicesSwept) -> Result<()> {
        self.loose_ties.turn();
        let mut dead = Vec::new();
        for entry in self.ties.entries() {
            let (back, client) = entry?;
            if self.is_loose(&back, &client)? && self.loose_ties.again(back) {
                dead.push(back);
            }
            if dead.len() == BATCH {
                break;
            }
        }
        for back in dead {
            let client = self.ties.get(&back)?;
            if let Some(client) = client
                && self.is_loose(&back, &client)?
            {
                swept.removed += usize::from(self.ties.remove(&back)?);
            }
        }
        Ok(())
    }

    fn is_loose(&self, back: &FlowKey, client: &FlowKey) -> Result<bool> {
        Ok(is_loose(back, self.get(client)?.as_ref()))
    }
}
