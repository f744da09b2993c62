//! A thread that removes outlived flows: a full table takes longer than the main loop may wait.

use std::{
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use anyhow::{Context as _, Result, bail};
use arc_swap::ArcSwap;
use gateway_core::l4::Sweep;

use crate::{
    bpf::{Flows, Splices},
    metrics::kernel::Swept,
};

#[derive(Debug)]
pub(super) struct Sweeper {
    sweeps: SyncSender<Sweep>,
}

impl Sweeper {
    /// `live` gets the number of connections after each sweep. The thread ends with the sweeper.
    pub(super) fn start(
        mut flows: Flows,
        mut splices: Splices,
        live: Arc<ArcSwap<Swept>>,
    ) -> Result<Self> {
        let (sweeps, orders) = sync_channel::<Sweep>(1);
        let work = move || {
            let mut swept = Swept::default();
            for sweep in orders {
                if let Err(error) = sweep_flows(&mut flows, &sweep, &mut swept) {
                    tracing::warn!("the flow table is not swept: {error:#}");
                }
                if let Err(error) = sweep_splices(&mut splices, &sweep, &mut swept) {
                    tracing::warn!("the tables of TLS passthrough are not swept: {error:#}");
                }
                live.store(Arc::new(swept));
            }
        };
        let thread = thread::Builder::new()
            .name("flow-sweeper".into())
            .spawn(work);
        thread.context("cannot start the thread that sweeps the flow table")?;
        Ok(Self { sweeps })
    }

    /// Orders a sweep; one that is under way or ordered already is enough.
    ///
    /// # Errors
    /// Where the thread has ended.
    pub(super) fn begin(&self, sweep: Sweep) -> Result<()> {
        match self.sweeps.try_send(sweep) {
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Disconnected(_)) => bail!("its thread has ended"),
        }
    }
}

fn sweep_flows(flows: &mut Flows, sweep: &Sweep, swept: &mut Swept) -> Result<()> {
    let found = flows.sweep(sweep)?;
    swept.live = found.live;
    note("flows", found.removed, found.drained, swept);
    Ok(())
}

fn sweep_splices(splices: &mut Splices, sweep: &Sweep, swept: &mut Swept) -> Result<()> {
    let found = splices.sweep(sweep)?;
    swept.splices = found.live;
    note(
        "connections of TLSRoutes",
        found.removed,
        found.drained,
        swept,
    );
    Ok(())
}

fn note(what: &str, removed: usize, drained: usize, swept: &mut Swept) {
    tracing::debug!(removed, "swept: {what}");
    if drained > 0 {
        tracing::info!(
            count = drained,
            "backends left and had their time: {what} end"
        );
    }
    swept.drained += drained as u64;
}
