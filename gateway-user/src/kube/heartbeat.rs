//! Answers of the API server, whoever asked.

use std::time::Instant;

use gateway_core::world::{Presence, Return};
use tokio::sync::watch;

/// Told of every answer. Cheap to copy.
#[derive(Clone, Debug)]
pub(super) struct Heartbeat {
    /// What the times of `presence` count from.
    started: Instant,
    presence: watch::Sender<Presence>,
}

/// Sees when the API server returns from an absence.
#[derive(Clone, Debug)]
pub(super) struct Returns {
    started: Instant,
    presence: watch::Receiver<Presence>,
}

impl Heartbeat {
    pub(super) fn new() -> (Self, Returns) {
        Self::since(Instant::now())
    }

    /// The API server has not been heard of since then.
    pub(super) fn since(started: Instant) -> (Self, Returns) {
        let (sender, presence) = watch::channel(Presence::default());
        let heartbeat = Self {
            started,
            presence: sender,
        };
        (heartbeat, Returns { started, presence })
    }

    pub(super) fn answered(&self) {
        self.presence
            .send_if_modified(|presence| presence.heard(self.started.elapsed()));
    }
}

impl Returns {
    /// [`Self::next`] waits for one that is still to come.
    pub(super) fn await_next(&mut self) {
        self.presence.mark_unchanged();
    }

    /// Waits for the next one. May be dropped and called again.
    pub(super) async fn next(&mut self) {
        if self.presence.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.presence.mark_changed();
    }

    /// Whether it is away now.
    pub(super) fn is_away(&self) -> bool {
        self.presence.borrow().is_away(self.started.elapsed())
    }

    /// The last one, unless it was taken before; and until when it matters.
    pub(super) fn take(&mut self) -> Option<(Return, Instant)> {
        if !self.presence.has_changed().unwrap_or_default() {
            return None;
        }
        let returned = self.presence.borrow_and_update().returned()?;
        Some((returned, self.started + returned.doubted_until()))
    }
}
