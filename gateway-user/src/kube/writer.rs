//! Brings the statuses in the API server to what they should be, while this node leads.
//!
//! A task of its own: nothing waits for it. What to write is decided by
//! [`writes`], and when by [`Ledger`]; both are pure. Whatever fails is tried again, each object by
//! itself. The status of a Gateway comes after the objects that stand for it, if those can be
//! written: who sees it `Accepted` finds them.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use gateway_core::{
    api::Kind,
    pace::Written,
    status::{Author, Ledger, Told, Write, certificate_signs, writes},
    translate::CONTROLLER_NAME,
};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client, ResourceExt as _,
    api::{DynamicObject, Patch, PatchParams},
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{interval, sleep},
};

use super::{
    events::Events,
    metrics::ControlMetrics,
    newest::Newest,
    provisioner::Provisioner,
    request::{self, CONCURRENT, MANAGER, Refusal},
    target::resource,
};

/// How often it is looked at which signs are to be told: certificates come to their end by time.
const SIGNS: Duration = Duration::from_secs(60);

pub(super) struct Writer {
    client: Client,
    newest: watch::Receiver<Newest>,
    leads: watch::Receiver<bool>,
    events: Events,
    metrics: ControlMetrics,
    started: Instant,
    ledger: Ledger,
    provisioner: Provisioner,
    told: Told,
    /// Needed at present, and not begun.
    needed: VecDeque<Write>,
    under_way: JoinSet<(Write, Result<String, Refusal>)>,
    /// Why a write failed last: said once.
    trouble: Option<String>,
}

impl Writer {
    pub(super) fn new(
        client: Client,
        newest: watch::Receiver<Newest>,
        leads: watch::Receiver<bool>,
        events: Events,
        metrics: ControlMetrics,
    ) -> Self {
        Self {
            provisioner: Provisioner::new(client.clone(), metrics.clone()),
            client,
            newest,
            leads,
            events,
            metrics,
            started: Instant::now(),
            ledger: Ledger::default(),
            told: Told::default(),
            needed: VecDeque::new(),
            under_way: JoinSet::new(),
            trouble: None,
        }
    }

    /// Writes until there is nothing to be told any more.
    pub(super) async fn run(mut self) {
        let mut signs = interval(SIGNS);
        loop {
            let now = self.now();
            let next = [self.ledger.next(now), self.provisioner.next(now)];
            let next = next.into_iter().flatten().min();
            tokio::select! {
                changed = self.newest.changed() => match changed {
                    Ok(()) => self.plan(),
                    Err(_closed) => return,
                },
                changed = self.leads.changed() => match changed {
                    Ok(()) => self.plan(),
                    Err(_closed) => return,
                },
                Some(ended) = self.under_way.join_next() => {
                    if let Ok((write, result)) = ended {
                        self.ended(write, result);
                    }
                }
                Some(ended) = self.provisioner.next_end() => {
                    let now = self.started.elapsed();
                    self.provisioner.ended(ended, now);
                }
                () = until(self.started, next) => self.plan(),
                _ = signs.tick() => self.show_signs(),
            }
            self.begin();
        }
    }

    /// Finds out what is needed now.
    fn plan(&mut self) {
        self.needed.clear();
        let leads = *self.leads.borrow_and_update();
        let newest = self.newest.borrow_and_update().clone();
        let now = self.now();
        self.provisioner.plan(leads.then_some(&newest), now);
        if !leads {
            return;
        }
        let Some(statuses) = newest.statuses else {
            return;
        };
        let author = Author {
            controller: CONTROLLER_NAME,
            now: &Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        };
        let former = |live: &_| self.ledger.is_former(live);
        let needed = writes(&statuses, &newest.live, author, former);
        self.ledger.note(&statuses, &newest.live, &needed);
        self.needed = needed.into();
        self.show_signs();
    }

    /// Tells what no condition says.
    fn show_signs(&mut self) {
        if !*self.leads.borrow() {
            return;
        }
        let signs = {
            let newest = self.newest.borrow();
            let now = Timestamp::now().as_second();
            let certificates = certificate_signs(newest.certificates.iter(), &newest.live, now);
            newest.signs.iter().cloned().chain(certificates).collect()
        };
        let due = self.told.due(signs, self.now());
        due.into_iter().for_each(|sign| self.events.show(sign));
    }

    fn begin(&mut self) {
        let now = self.now();
        self.provisioner.begin(now);
        let mut held = VecDeque::new();
        while self.under_way.len() < CONCURRENT
            && let Some(write) = self.needed.pop_front()
        {
            if write.kind == Kind::Gateway && self.provisioner.is_at(&write.name) {
                held.push_back(write);
            } else if self.ledger.begin(&write, now) {
                self.under_way.spawn(send(self.client.clone(), write));
            }
        }
        held.append(&mut self.needed);
        self.needed = held;
    }

    fn ended(&mut self, mut write: Write, result: Result<String, Refusal>) {
        let (written, label) = match result {
            Ok(version) => {
                self.trouble = None;
                self.events.tell(&mut write);
                (Written::Done(version), "ok")
            }
            Err(Refusal::Outdated) => (Written::Outdated, "conflict"),
            Err(Refusal::Failed { why, .. }) => {
                let (kind, name) = (write.kind, &write.name);
                if self.trouble.as_ref() != Some(&why) {
                    tracing::warn!(
                        "the status of {kind} {name} cannot be written, perhaps of others too: \
                         {why}; traffic is not affected, and it is tried again"
                    );
                }
                self.trouble = Some(why);
                (Written::Failed, "error")
            }
        };
        self.metrics.wrote(write.kind, label);
        let now = self.now();
        self.ledger.end(&write.key(), &written, now);
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Gives the new resource version.
async fn send(client: Client, write: Write) -> (Write, Result<String, Refusal>) {
    let (group, version) = match write.api_version.split_once('/') {
        Some(split) => split,
        None => ("", write.api_version.as_str()),
    };
    let resource = resource(group, version, write.kind.as_str(), write.kind.plural());
    let api: Api<DynamicObject> = match &*write.name.namespace {
        "" => Api::all_with(client, &resource),
        namespace => Api::namespaced_with(client, namespace, &resource),
    };
    let params = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let patch = Patch::Merge(write.body());
    let request = api.patch_status(&write.name.name, &params, &patch);
    let written = request::send(request).await;
    let result = written.map(|object| object.resource_version().unwrap_or_default());
    (write, result)
}

async fn until(started: Instant, time: Option<Duration>) {
    match time {
        Some(time) => sleep(time.saturating_sub(started.elapsed())).await,
        None => std::future::pending().await,
    }
}
