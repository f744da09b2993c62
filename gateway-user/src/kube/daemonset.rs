//! Whether the DaemonSet that runs us is being deleted: then this node is to be cleaned up.
//!
//! A watch tells so before our SIGTERM comes. To ask at that moment would be too late: `helm
//! uninstall` deletes our service account and its roles right after the DaemonSet, and a refused
//! question says nothing. What is not known for sure leaves the data path in force.

use std::pin::pin;

use futures_util::StreamExt as _;
use k8s_openapi::api::apps::v1::DaemonSet;
use kube::{
    Api, Client,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event, watcher},
    },
};
use tokio::{sync::watch, task::JoinSet};

/// The watch of our DaemonSet; ends with it.
#[derive(Debug)]
pub struct OurDaemonSet {
    deleted: watch::Receiver<bool>,
    _watch: JoinSet<()>,
}

/// What the watch has told so far.
#[derive(Debug, Default)]
struct Told {
    /// Found by the listing under way.
    listed: bool,
    deleted: bool,
}

impl OurDaemonSet {
    /// Begins to watch it.
    pub fn start(client: Client, namespace: &str, name: &str) -> Self {
        let api = Api::namespaced(client, namespace);
        let (sender, deleted) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(follow(api, name.to_owned(), sender));
        Self {
            deleted,
            _watch: tasks,
        }
    }

    /// It is gone, or going. False while that is not known.
    pub fn is_deleted(&self) -> bool {
        *self.deleted.borrow()
    }
}

async fn follow(
    api: Api<PartialObjectMeta<DaemonSet>>,
    name: String,
    deleted: watch::Sender<bool>,
) {
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut events = pin!(watcher(api, config).default_backoff());
    let mut told = Told::default();
    let mut failing = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                told.take(&event);
                if !deleted.send_replace(told.deleted) && told.deleted {
                    tracing::info!(
                        "the DaemonSet {name} is deleted: this daemon's end is that of its data path"
                    );
                }
                failing = false;
            }
            Err(error) => {
                if !failing && !told.deleted {
                    tracing::warn!(
                        "the DaemonSet {name} cannot be watched: {error}; were it deleted now, \
                         this node would not be cleaned up"
                    );
                }
                failing = true;
            }
        }
    }
}

impl Told {
    fn take(&mut self, event: &Event<PartialObjectMeta<DaemonSet>>) {
        match event {
            Event::Init => self.listed = false,
            Event::InitApply(object) | Event::Apply(object) => {
                self.listed = true;
                self.deleted = object.metadata.deletion_timestamp.is_some();
            }
            Event::InitDone => self.deleted |= !self.listed,
            Event::Delete(_) => self.deleted = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

    use super::*;

    fn present() -> PartialObjectMeta<DaemonSet> {
        PartialObjectMeta::default()
    }

    /// Deleted in the foreground: it stays until its pods are gone.
    fn going() -> PartialObjectMeta<DaemonSet> {
        let mut object = present();
        object.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
        object
    }

    fn after(events: impl IntoIterator<Item = Event<PartialObjectMeta<DaemonSet>>>) -> bool {
        let mut told = Told::default();
        events.into_iter().for_each(|event| told.take(&event));
        told.deleted
    }

    fn listing() -> [Event<PartialObjectMeta<DaemonSet>>; 3] {
        [Event::Init, Event::InitApply(present()), Event::InitDone]
    }

    #[test]
    fn deleted_is_what_is_gone_or_going() {
        assert!(after(
            listing().into_iter().chain([Event::Delete(present())])
        ));
        assert!(after(listing().into_iter().chain([Event::Apply(going())])));
        assert!(after([
            Event::Init,
            Event::InitApply(going()),
            Event::InitDone
        ]));
        // It went while the watch was interrupted.
        assert!(after(
            listing().into_iter().chain([Event::Init, Event::InitDone])
        ));
    }

    #[test]
    fn not_deleted_is_what_is_there_or_not_known_yet() {
        assert!(!after([]));
        assert!(!after([Event::Init]));
        assert!(!after(listing()));
        assert!(!after(
            listing().into_iter().chain([Event::Apply(present())])
        ));
        // A listing under way.
        assert!(!after(listing().into_iter().chain([Event::Init])));
        assert!(!after(listing().into_iter().chain(listing())));
        // Deleted without its pods and made anew: the new one has them now.
        let again = [Event::Delete(present()), Event::Apply(present())];
        assert!(!after(listing().into_iter().chain(again)));
    }
}
