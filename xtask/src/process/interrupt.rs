//! Ctrl-C while a program runs: remembered here, acted on by whoever waits for the program.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use signal_hook::{consts, flag};

use super::Failure;

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Errors once SIGINT or SIGTERM arrived; from the first call on they no longer end the process.
pub(super) fn check() -> Result<(), Failure> {
    let flag = INTERRUPTED.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [consts::SIGINT, consts::SIGTERM] {
            // Without a handler the signal keeps its default action, which ends the process.
            let _ = flag::register(signal, Arc::clone(&flag));
        }
        flag
    });
    if flag.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    Ok(())
}
