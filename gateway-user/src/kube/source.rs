//! Objects of an API server, as of now.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use gateway_core::{
    api::Kind,
    status::Statuses,
    world::{Changed, Event, Peers, Phase, Problem, Store, World},
};
use kube::Client;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::timeout_at,
};

use super::{
    client::Identity,
    newest::Newest,
    target::{Target, kinds},
    watch::Watch,
};
use crate::{
    debounce::Burst,
    status::report::{SourceRow, TroubleRow},
};

/// Quiet time after the last event of a burst.
const QUIET: Duration = Duration::from_millis(5);
/// Longest wait after the first event of a burst.
const LONGEST: Duration = Duration::from_millis(60);
/// Events that wait to be taken in; a watch that is ahead of us waits itself.
const QUEUE: usize = 1024;

/// Watches of all kinds, and what they have told so far. They end with it.
#[derive(Debug)]
pub struct Source {
    server: String,
    store: Store,
    peers: Peers,
    events: mpsc::Receiver<(Target, Event)>,
    burst: Burst,
    /// Since the last call of [`Source::take`].
    changed: Changed,
    newest: watch::Sender<Newest>,
    /// Since when the API server cannot be watched.
    outage: Option<Instant>,
    _watches: JoinSet<()>,
}

impl Source {
    /// Begins to watch. `server`: address of the API server.
    pub fn start(client: &Client, server: String, identity: &Identity) -> Self {
        let (sender, events) = mpsc::channel(QUEUE);
        let mut watches = JoinSet::new();
        for target in Target::all(&identity.namespace) {
            watches.spawn(Watch::new(client.clone(), target, sender.clone()).run());
        }
        Self {
            server,
            store: Store::new(kinds()),
            peers: Peers::default(),
            events,
            burst: Burst::default(),
            changed: Changed::default(),
            newest: watch::Sender::default(),
            outage: None,
            _watches: watches,
        }
    }

    /// Waits for the end of the next burst of changes. May be dropped and called again.
    pub async fn changed(&mut self) {
        loop {
            let event = match self.burst.due(QUIET, LONGEST) {
                None => self.events.recv().await,
                Some(due) => match timeout_at(due.into(), self.events.recv()).await {
                    Ok(event) => event,
                    Err(_elapsed) => {
                        self.burst = Burst::default();
                        return;
                    }
                },
            };
            match event {
                Some((target, event)) => self.note(target, event),
                // Every watch has panicked.
                None => std::future::pending().await,
            }
        }
    }

    fn note(&mut self, target: Target, event: Event) {
        let changed = match target {
            Target::Kind(kind) => self.store.take(kind, event),
            Target::Peers(_) => Changed {
                peers: self.peers.take(event),
                ..Changed::default()
            },
        };
        if changed.watches {
            self.log_outage();
        }
        if changed.any() {
            self.changed = self.changed | changed;
            self.burst.add(Instant::now());
        }
    }

    /// One line when watches begin to fail, and one when all of them work again.
    fn log_outage(&mut self) {
        let server = &self.server;
        match (self.store.troubles().iter().next(), self.outage) {
            (Some((why, kinds)), None) => {
                self.outage = Some(Instant::now());
                tracing::warn!(
                    "the API server at {server} cannot be watched ({}): {why}; what was read \
                     before stays in force",
                    names(kinds.iter().copied()).join(", ")
                );
            }
            (None, Some(since)) => {
                self.outage = None;
                let lasted = since.elapsed().as_secs();
                tracing::info!("the API server at {server} is watched again, after {lasted} s");
            }
            (Some(_), Some(_)) | (None, None) => (),
        }
    }

    /// What has changed since the last call.
    pub fn take(&mut self) -> Changed {
        std::mem::take(&mut self.changed)
    }

    pub fn world(&self) -> &World {
        self.store.world()
    }

    /// What [`Source::tell`] tells.
    pub fn newest(&self) -> watch::Receiver<Newest> {
        self.newest.subscribe()
    }

    /// Hands over what is new for the API server. `statuses`: those of a new reconciliation.
    pub fn tell(&self, statuses: Option<Arc<Statuses>>) {
        self.newest.send_modify(|newest| {
            newest.live = Arc::clone(self.store.live());
            if let Some(statuses) = statuses {
                newest.statuses = Some(statuses);
                newest.problems = self.store.problems().into();
            }
        });
    }

    /// Nodes with a ready pod of ours; `None` until they have been listed.
    pub fn nodes(&self) -> Option<BTreeSet<Arc<str>>> {
        self.peers.nodes()
    }

    pub fn problems(&self) -> Vec<Problem> {
        self.store.problems()
    }

    /// Whether the world is whole: before, what it lacks may only not have been listed yet.
    pub fn is_synced(&self) -> bool {
        self.store.is_synced()
    }

    pub fn report(&self) -> SourceRow {
        let troubles = self.store.troubles().into_iter();
        SourceRow {
            from: self.server.clone(),
            waiting_for: names(self.store.in_phase(Phase::Waiting)),
            not_installed: names(self.store.in_phase(Phase::NotInstalled)),
            troubles: troubles
                .map(|(why, kinds)| TroubleRow {
                    why: why.to_owned(),
                    kinds: names(kinds),
                })
                .collect(),
        }
    }
}

fn names(kinds: impl IntoIterator<Item = Kind>) -> Vec<String> {
    kinds.into_iter().map(|kind| kind.to_string()).collect()
}
