//! When a request, or one attempt at a backend, has to be through.

use std::{future::Future, pin::Pin, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{Failure, Kind};

#[derive(Clone, Copy)]
pub(super) struct Deadline {
    /// `None`: never.
    pub(super) at: Option<Instant>,
    /// What it is called when that moment has come.
    late: Kind,
}

impl Deadline {
    pub(super) fn after(limit: Option<Duration>, late: Kind) -> Self {
        // A moment that the clock cannot tell is never.
        let at = limit.and_then(|limit| Instant::now().checked_add(limit));
        Self { at, late }
    }

    /// That of the two; of equal ones this.
    pub(super) fn earlier(self, other: Self) -> Self {
        match (self.at, other.at) {
            (Some(this), Some(at)) if at < this => other,
            (None, Some(_)) => other,
            _ => self,
        }
    }

    /// Gives up what is not ready in time. The caller pins it: a request's future has kilobytes, which each
    /// move would copy.
    pub(super) async fn bound<T>(
        self,
        work: Pin<&mut impl Future<Output = Result<T, Failure>>>,
    ) -> Result<T, Failure> {
        let Some(at) = self.at else {
            return work.await;
        };
        timeout_at(at, work).await.unwrap_or_else(|_| {
            let detail = "given up".to_owned();
            let kind = self.late;
            Err(Failure { kind, detail })
        })
    }
}
