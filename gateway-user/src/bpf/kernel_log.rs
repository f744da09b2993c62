//! Log lines of the programs themselves (aya-log), for development.

use anyhow::{Context as _, Result};
use aya::Ebpf;
use aya_log::EbpfLogger;

use super::watch::watch;

/// Forwards log lines to ours in a task, until the runtime ends.
pub(super) fn forward(ebpf: &mut Ebpf) -> Result<()> {
    let logger = EbpfLogger::init(ebpf).context("the BPF object has no log ring")?;
    let mut logger = watch(logger).context("cannot watch the log ring")?;
    tokio::spawn(async move {
        while let Ok(mut ready) = logger.readable_mut().await {
            ready.get_inner_mut().flush();
            ready.clear_ready();
        }
    });
    Ok(())
}
