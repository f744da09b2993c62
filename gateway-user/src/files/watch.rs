//! Says when a directory of manifests should be read again.

use std::{collections::BTreeSet, path::PathBuf, time::Instant};

use anyhow::{Context as _, Result};
use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, DataChange, ModifyKind},
};
use tokio::sync::mpsc;

use super::debounce::{Burst, Touch};

/// Watches a set of directories, each without those below it.
pub struct Watch {
    watcher: RecommendedWatcher,
    events: mpsc::UnboundedReceiver<notify::Result<Event>>,
    watched: BTreeSet<PathBuf>,
    burst: Burst,
}

impl Watch {
    /// # Errors
    /// Where the system grants no more inotify instances.
    pub fn new() -> Result<Self> {
        let (sender, events) = mpsc::unbounded_channel();
        // A send fails only after `events` is gone, when nobody wants to know any more.
        let handler = move |event| drop(sender.send(event));
        let watcher = notify::recommended_watcher(handler).context(
            "cannot watch files: raise fs.inotify.max_user_instances, or end what holds them",
        )?;
        let (watched, burst) = Default::default();
        Ok(Self {
            watcher,
            events,
            watched,
            burst,
        })
    }

    /// Watches exactly `directories` from now on. One that cannot be watched is tried again at
    /// the next call; watches of directories that were removed and made anew are renewed by it.
    /// Returns whether there is one that was not watched before.
    pub fn follow(&mut self, directories: &BTreeSet<PathBuf>) -> bool {
        for gone in self.watched.difference(directories) {
            // Fails where the directory is removed already, and with it the watch.
            drop(self.watcher.unwatch(gone));
        }
        self.watched.retain(|path| directories.contains(path));
        let mut new = false;
        for path in directories {
            match self.watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => new |= self.watched.insert(path.clone()),
                Err(error) => tracing::warn!(directory = %path.display(), %error, "not watched"),
            }
        }
        new
    }

    /// Waits for the end of the next burst of changes. May be dropped and called again.
    pub async fn changed(&mut self) {
        loop {
            let event = match self.burst.due() {
                None => self.events.recv().await,
                Some(due) => match tokio::time::timeout_at(due.into(), self.events.recv()).await {
                    Ok(event) => event,
                    Err(_elapsed) => {
                        self.burst = Burst::default();
                        return;
                    }
                },
            };
            match event {
                Some(event) => self.take(event),
                // The watcher lives as long as `self`, and with it the sender.
                None => std::future::pending().await,
            }
        }
    }

    fn take(&mut self, event: notify::Result<Event>) {
        let now = Instant::now();
        match event {
            Ok(event) => {
                if let Some(touch) = touch(&event) {
                    self.burst.add(event.paths, touch, now);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "watching files failed; reading them all again");
                self.burst.add(Vec::new(), Touch::Done, now);
            }
        }
    }
}

/// What an event means to us; `None` for those of reading, which our own scans cause too.
fn touch(event: &Event) -> Option<Touch> {
    match event.kind {
        EventKind::Modify(ModifyKind::Data(DataChange::Any | DataChange::Content)) => {
            Some(Touch::Writing)
        }
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Touch::Done),
        EventKind::Access(_) => None,
        _ => Some(Touch::Done),
    }
}
