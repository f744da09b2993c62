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

use crate::{bpf::Flows, metrics::kernel::Swept};

#[derive(Debug)]
pub(super) struct Sweeper {
    sweeps: SyncSender<Sweep>,
}

impl Sweeper {
    /// `live` gets the number of flows after each sweep. The thread ends with the sweeper.
    pub(super) fn start(mut flows: Flows, live: Arc<ArcSwap<Swept>>) -> Result<Self> {
        let (sweeps, orders) = sync_channel::<Sweep>(1);
        let work = move || {
            let mut drained = 0;
            for sweep in orders {
                match flows.sweep(&sweep) {
                    Ok(swept) => {
                        tracing::debug!(removed = swept.removed, "flow table swept");
                        if swept.drained > 0 {
                            let flows = swept.drained;
                            tracing::info!(flows, "backends left and had their time: flows end");
                        }
                        drained += swept.drained as u64;
                        live.store(Arc::new(Swept {
                            live: swept.live,
                            drained,
                        }));
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
