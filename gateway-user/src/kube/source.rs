//! Objects of an API server, as of now.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use gateway_core::{
    announce::Members,
    api::Kind,
    infrastructure::{Infrastructure, infrastructure},
    name::ObjectName,
    plan::Plan,
    status::{NodeReports, Statuses},
    world::{Changed, Event, Peers, Phase, Problem, Store, World},
};
use kube::Client;
use prometheus_client::registry::Registry;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::sleep_until,
};

use super::{
    client::Identity,
    heartbeat::{Heartbeat, Returns},
    metrics::WatchMetrics,
    newest::{Newest, News},
    reporter::OwnReport,
    target::{PODS, Target, kinds},
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
    node: Arc<str>,
    server: String,
    store: Store,
    peers: Peers,
    events: mpsc::Receiver<(Target, Event)>,
    burst: Burst,
    heartbeat: Heartbeat,
    returns: Returns,
    /// What is said of readiness is not believed so long.
    doubt: Option<Instant>,
    /// Since the last call of [`Source::take`].
    changed: Changed,
    newest: watch::Sender<Newest>,
    own: ObjectName,
    own_report: watch::Sender<OwnReport>,
    metrics: WatchMetrics,
    _watches: JoinSet<()>,
}

impl Source {
    /// Begins to watch. `server`: address of the API server.
    pub fn start(client: &Client, server: String, identity: &Identity) -> Self {
        let (sender, events) = mpsc::channel(QUEUE);
        let metrics = WatchMetrics::default();
        let (heartbeat, returns) = Heartbeat::new();
        let mut watches = JoinSet::new();
        for target in Target::all(&identity.namespace) {
            let (client, sender, metrics) = (client.clone(), sender.clone(), metrics.clone());
            watches.spawn(Watch::new(client, target, sender, metrics, returns.clone()).run());
        }
        Self {
            node: identity.node.as_str().into(),
            server,
            store: Store::new(kinds()),
            peers: Peers::default(),
            events,
            burst: Burst::default(),
            heartbeat,
            returns,
            doubt: None,
            changed: Changed::default(),
            newest: watch::Sender::default(),
            own: ObjectName::new(&*identity.namespace, &*identity.pod),
            own_report: watch::Sender::default(),
            metrics,
            _watches: watches,
        }
    }

    /// Waits for the end of the next burst of changes. May be dropped and called again.
    pub async fn changed(&mut self) {
        loop {
            let burst = self.burst.due(QUIET, LONGEST);
            tokio::select! {
                event = self.events.recv() => match event {
                    Some((target, event)) => self.note(&target, event),
                    // Every watch has panicked.
                    None => std::future::pending().await,
                },
                () = self.returns.next() => self.doubt(),
                () = until(self.doubt) => self.believe(),
                () = until(burst) => {
                    self.burst = Burst::default();
                    return;
                }
            }
        }
    }

    /// For whoever asks the API server regularly.
    pub(super) fn heartbeat(&self) -> Heartbeat {
        self.heartbeat.clone()
    }

    /// Where the API server has just returned, what is ready stays so for a while.
    fn doubt(&mut self) {
        let Some((returned, until)) = self.returns.take() else {
            return;
        };
        let away = returned.after.as_secs();
        tracing::warn!(
            "the API server was away for {away} s: nodes and endpoints that were ready count as \
             such for a minute, for it may take them for lost only because they could not reach it"
        );
        self.store.doubt();
        self.peers.doubt();
        self.doubt = Some(until);
    }

    fn believe(&mut self) {
        self.doubt = None;
        // Away again, it cannot take back what it said in between: doubted until it has returned.
        if self.returns.is_away() {
            return;
        }
        let changed = self.store.believe() | self.peers.believe();
        self.add(changed);
    }

    fn note(&mut self, target: &Target, event: Event) {
        if event.is_answer() {
            self.heartbeat.answered();
        }
        self.doubt();
        let changed = match target {
            Target::Kind(kind) => self.store.take(*kind, event),
            Target::Peers(_) => {
                let changed = self.peers.take(event);
                self.note_own();
                changed
            }
            Target::Definition => match event {
                Event::Applied(crd) => self.store.take_definition(Some(&crd)),
                Event::Deleted(_) => self.store.take_definition(None),
                _ => Changed::default(),
            },
        };
        if changed.watches {
            let troubles = self.troubles();
            let failing = troubles.iter().map(|trouble| trouble.kinds.len());
            self.metrics.failing(failing.sum());
        }
        self.add(changed);
    }

    fn add(&mut self, changed: Changed) {
        if changed.any() {
            self.changed = self.changed | changed;
            self.burst.add(Instant::now());
        }
    }

    /// What our pod says may have changed.
    fn note_own(&self) {
        let said = self.peers.report_of(&self.own);
        self.own_report.send_if_modified(|own| {
            let changed = own.said.as_ref() != said;
            own.said = said.cloned();
            changed
        });
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

    /// What shall stand for Gateways in the cluster.
    pub fn infrastructure(&self, plan: &Plan, statuses: &Statuses) -> Infrastructure {
        infrastructure(self.store.world(), plan, statuses, self.store.made())
    }

    /// What this node has to say of itself, and what its pod says.
    pub(super) fn own_report(&self) -> watch::Receiver<OwnReport> {
        self.own_report.subscribe()
    }

    /// What nodes with a ready pod report.
    pub fn reports(&self) -> NodeReports {
        self.peers.reports()
    }

    /// Hands over what is new for the API server. `news`: of a new reconciliation.
    pub fn tell(&self, news: Option<News>) {
        if let Some(news) = &news {
            self.own_report.send_if_modified(|own| {
                let changed = own.wanted.as_ref() != Some(&news.report);
                own.wanted = Some(news.report.clone());
                changed
            });
        }
        self.newest.send_modify(|newest| {
            newest.live = Arc::clone(self.store.live());
            newest.made = Arc::clone(self.store.made());
            if let Some(news) = news {
                newest.statuses = Some(news.statuses);
                newest.infrastructure = Arc::new(news.infrastructure);
                newest.certificates = news.certificates;
                newest.signs = self.store.signs().into();
            }
        });
    }

    /// This node, and all with a ready pod of ours. As the API server sees them, this one too:
    /// until every node knows that it is ready, another one answers for its addresses.
    pub fn members(&self) -> Members {
        Members {
            me: self.node.clone(),
            nodes: self.peers.nodes().unwrap_or_default(),
            tunnels: self.peers.tunnels(),
        }
    }

    pub fn problems(&self) -> Vec<Problem> {
        self.store.problems()
    }

    /// Whether the world is whole: before, what it lacks may only not have been listed yet.
    pub fn is_synced(&self) -> bool {
        self.store.is_synced()
    }

    pub fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    pub fn report(&self) -> SourceRow {
        SourceRow {
            from: self.server.clone(),
            waiting_for: names(self.store.in_phase(Phase::Waiting)),
            not_installed: names(self.store.in_phase(Phase::NotInstalled)),
            troubles: self.troubles(),
        }
    }

    /// Why watches fail, each reason once.
    fn troubles(&self) -> Vec<TroubleRow> {
        let kinds = self.store.troubles().into_iter();
        let mut troubles: BTreeMap<_, _> = kinds.map(|(why, kinds)| (why, names(kinds))).collect();
        if let Some(why) = self.peers.trouble() {
            troubles.entry(why).or_default().push(PODS.to_owned());
        }
        let rows = troubles.into_iter().map(|(why, kinds)| TroubleRow {
            why: why.to_owned(),
            kinds,
        });
        rows.collect()
    }
}

/// Never, without a time.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

fn names(kinds: impl IntoIterator<Item = Kind>) -> Vec<String> {
    kinds.into_iter().map(|kind| kind.to_string()).collect()
}
