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
use gateway_core::l4::{Gauges, Sweep};

use crate::bpf::Flows;

#[derive(Debug)]
pub(super) struct Sweeper {
    sweeps: SyncSender<Sweep>,
}

impl Sweeper {
    /// `live` gets the number of flows after each sweep. The thread ends with the sweeper.
    pub(super) fn start(mut flows: Flows, live: Arc<ArcSwap<Gauges>>) -> Result<Self> {
        let (sweeps, orders) = sync_channel::<Sweep>(1);
        let work = move || {
            for sweep in orders {
                match flows.sweep(&sweep) {
                    Ok(swept) => {
                        tracing::debug!(removed = swept.removed, "flow table swept");
                        live.store(Arc::new(swept.live));
                    }
                    Err(error) => tracing::warn!("the flow table is not swept: {error:#}"),
                }
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
