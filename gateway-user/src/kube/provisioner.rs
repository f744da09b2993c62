//! Makes the Services and EndpointSlices that stand for Gateways, and keeps them up to date.
//!
//! What to write is decided by [`operations`], and when by [`Pace`]; both are pure. Whatever fails
//! is tried again, each object by itself, and holds up nothing.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use gateway_core::{
    api::Kind,
    infrastructure::{Change, Key, Operation, operations},
    name::ObjectName,
    pace::{Pace, Written},
};
use kube::{
    Api, Client, ResourceExt as _,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions},
};
use tokio::task::JoinSet;

use super::{
    metrics::ControlMetrics,
    newest::Newest,
    request::{CONCURRENT, MANAGER, Refusal, send},
    target::resource,
};

pub(super) struct Provisioner {
    client: Client,
    metrics: ControlMetrics,
    pace: Pace<Key>,
    /// Needed at present, and not begun.
    needed: VecDeque<Operation>,
    under_way: JoinSet<Ended>,
    /// By Gateway, the objects for it that can be written now and have not been.
    waiting: BTreeMap<ObjectName, BTreeSet<Key>>,
    /// Kinds and verbs that fail: said once.
    troubles: BTreeSet<(Kind, &'static str)>,
}

/// A write with its result: the new resource version.
pub(super) type Ended = (Operation, Result<String, Refusal>);

impl Provisioner {
    pub(super) fn new(client: Client, metrics: ControlMetrics) -> Self {
        Self {
            client,
            metrics,
            pace: Pace::default(),
            needed: VecDeque::new(),
            under_way: JoinSet::new(),
            waiting: BTreeMap::new(),
            troubles: BTreeSet::new(),
        }
    }

    /// Finds out what is needed now; `None`: nothing, since another node does it.
    pub(super) fn plan(&mut self, newest: Option<&Newest>, now: Duration) {
        self.needed.clear();
        self.waiting.clear();
        let Some(Newest {
            infrastructure,
            made,
            ..
        }) = newest
        else {
            return;
        };
        let operations = operations(infrastructure, made);
        let open: BTreeSet<Key> = operations.iter().map(Operation::key).collect();
        self.pace.seen(|key| !open.contains(key));
        let known = |key: &Key| made.contains_key(key) || infrastructure.objects.contains_key(key);
        self.pace.retain(known);
        for operation in &operations {
            let key = operation.key();
            let due =
                self.pace.is_under_way(&key) || self.pace.allows(&key, operation.attempt(), now);
            if let Some(gateway) = operation.gateway.clone().filter(|_| due) {
                self.waiting.entry(gateway).or_default().insert(key);
            }
        }
        self.needed = operations.into();
    }

    pub(super) fn begin(&mut self, now: Duration) {
        while self.under_way.len() < CONCURRENT
            && let Some(operation) = self.needed.pop_front()
        {
            if self.pace.begin(&operation.key(), operation.attempt(), now) {
                self.under_way.spawn(write(self.client.clone(), operation));
            }
        }
    }

    /// Whether something for this Gateway is yet to be tried: before, its status would tell of a
    /// Gateway that is not complete.
    pub(super) fn is_at(&self, gateway: &ObjectName) -> bool {
        self.waiting.contains_key(gateway)
    }

    /// Waits until a write ends; `None`: none is under way. May be dropped and called again.
    pub(super) async fn next_end(&mut self) -> Option<Ended> {
        self.under_way.join_next().await?.ok()
    }

    /// Notes that.
    pub(super) fn ended(&mut self, (operation, result): Ended, now: Duration) {
        let key = operation.key();
        if let Some(gateway) = &operation.gateway
            && let Some(waiting) = self.waiting.get_mut(gateway)
        {
            waiting.remove(&key);
            if waiting.is_empty() {
                self.waiting.remove(gateway);
            }
        }
        let (kind, verb) = (operation.kind, verb(&operation.change));
        let (written, label) = match result {
            Ok(version) => {
                self.troubles.remove(&(kind, verb));
                (Written::Done(version), "ok")
            }
            Err(Refusal::Outdated) => (Written::Outdated, "conflict"),
            Err(Refusal::Failed { forbidden, why }) => {
                if self.troubles.insert((kind, verb)) {
                    tell(&operation, forbidden, &why);
                }
                (Written::Failed, "error")
            }
        };
        self.metrics.provisioned(kind, label);
        self.pace.end(&key, &written, now);
    }

    /// When something becomes due by the passing of time alone.
    pub(super) fn next(&self, now: Duration) -> Option<Duration> {
        self.pace.next(now)
    }
}

fn tell(operation: &Operation, forbidden: bool, why: &str) {
    let Operation {
        kind, name, change, ..
    } = operation;
    let verb = verb(change);
    let advice = match forbidden {
        true => format!(
            "; grant it `{verb}` of {} (the chart's ClusterRole does)",
            kind.plural()
        ),
        false => String::new(),
    };
    tracing::warn!(
        "{kind} {name}, which stands for a Gateway in the cluster, cannot be written ({verb}), \
         perhaps others neither: {why}{advice}; traffic is not affected, and it is tried again"
    );
}

/// As RBAC names it.
fn verb(change: &Change) -> &'static str {
    match change {
        Change::Create => "create",
        Change::Patch => "patch",
        Change::Delete { .. } => "delete",
    }
}

async fn write(client: Client, operation: Operation) -> Ended {
    let result = request(client, &operation).await;
    (operation, result)
}

async fn request(client: Client, operation: &Operation) -> Result<String, Refusal> {
    let Operation {
        kind, name, base, ..
    } = operation;
    let (group, versions) = kind.versions();
    let version = versions.first().copied().unwrap_or_default();
    let resource = resource(group, version, kind.as_str(), kind.plural());
    let api: Api<DynamicObject> = Api::namespaced_with(client, &name.namespace, &resource);
    let manager = Some(MANAGER.to_owned());
    let version = |object: DynamicObject| object.resource_version().unwrap_or_default();
    match &operation.change {
        Change::Create => {
            let object = serde_json::from_value(operation.body.clone());
            let object = object.map_err(|error| Refusal::failed(error.to_string()))?;
            let params = PostParams {
                field_manager: manager,
                ..PostParams::default()
            };
            send(api.create(&params, &object)).await.map(version)
        }
        Change::Patch => {
            let params = PatchParams {
                field_manager: manager,
                ..PatchParams::default()
            };
            let patch = Patch::Merge(&operation.body);
            send(api.patch(&name.name, &params, &patch))
                .await
                .map(version)
        }
        Change::Delete { uid } => {
            let params = DeleteParams {
                preconditions: Some(Preconditions {
                    resource_version: Some(base.clone()),
                    uid: Some(uid.clone()),
                }),
                ..DeleteParams::default()
            };
            let deleted = send(api.delete(&name.name, &params)).await;
            deleted.map(|_| String::new())
        }
    }
}
