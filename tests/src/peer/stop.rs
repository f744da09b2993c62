//! When a client stops: after a count, or when its standard input closes. How far it is.

use std::{
    cell::Cell,
    io::{IsTerminal, Read, stderr, stdin},
    rc::Rc,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// Hands out permission to send; clones share one count.
#[derive(Clone)]
pub(super) struct Budget {
    left: Option<Rc<Cell<u64>>>,
    closed: Arc<AtomicBool>,
}

impl Budget {
    pub(super) fn new(count: Option<u64>) -> Self {
        let closed = Arc::new(AtomicBool::new(false));
        if count.is_none() {
            let closed = closed.clone();
            thread::spawn(move || {
                // Whatever ends the stream, an error too, ends the client.
                let _ = stdin().read_to_end(&mut Vec::new());
                closed.store(true, Ordering::Relaxed);
            });
        }
        let left = count.map(|n| Rc::new(Cell::new(n)));
        Self { left, closed }
    }

    pub(super) fn take(&self) -> bool {
        match &self.left {
            None => !self.closed.load(Ordering::Relaxed),
            Some(left) => {
                let before = left.get();
                left.set(before.saturating_sub(1));
                before > 0
            }
        }
    }
}

/// Says how far a client is, for [`crate::process::Process::progress`] and not for people.
pub(super) fn progress(done: u64) {
    if !stderr().is_terminal() {
        eprintln!("{done}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_count() {
        let budget = Budget::new(Some(2));
        let other = budget.clone();
        assert!(budget.take() && other.take());
        assert!(!budget.take() && !other.take());
    }
}
