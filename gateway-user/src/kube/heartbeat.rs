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
    /// Waits for the next one. May be dropped and called again.
    pub(super) async fn next(&mut self) {
        if self.presence.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.presence.mark_changed();
    }

    /// As [`Self::next`], without one that has been.
    pub(super) async fn later(&mut self) {
        self.presence.mark_unchanged();
        self.next().await;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_return_that_has_been_is_no_later_one() {
        let (heartbeat, mut returns) = Heartbeat::since(Instant::now() - Duration::from_secs(60));
        assert_eq!(returns.next().now_or_never(), None);
        heartbeat.answered();
        assert_eq!(returns.clone().next().now_or_never(), Some(()));
        assert_eq!(returns.later().now_or_never(), None);

        let (heartbeat, mut returns) = Heartbeat::since(Instant::now() - Duration::from_secs(60));
        let mut later = Box::pin(returns.later());
        assert_eq!(later.as_mut().now_or_never(), None);
        heartbeat.answered();
        assert_eq!(later.now_or_never(), Some(()));
    }
}
