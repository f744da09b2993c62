//! Makes the Services and EndpointSlices that stand for Gateways, and keeps them up to date.
//!
//! What to write and when is decided by [`Schedule`], which is pure. Whatever fails is tried again,
//! each object by itself, and holds up nothing.

use std::{collections::BTreeSet, time::Duration};

use gateway_core::{
    api::Kind,
    infrastructure::{Change, Operation, Schedule},
    name::ObjectName,
    pace::Written,
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
    schedule: Schedule,
    under_way: JoinSet<Ended>,
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
            schedule: Schedule::default(),
            under_way: JoinSet::new(),
            troubles: BTreeSet::new(),
        }
    }

    /// Finds out what is needed now; `None`: nothing, since another node does it.
    pub(super) fn plan(&mut self, newest: Option<&Newest>, now: Duration) {
        match newest {
            Some(newest) => self
                .schedule
                .plan(&newest.infrastructure, &newest.made, now),
            None => self.schedule.clear(),
        }
    }

    pub(super) fn begin(&mut self, now: Duration) {
        while self.under_way.len() < CONCURRENT
            && let Some(operation) = self.schedule.begin(now)
        {
            self.under_way.spawn(write(self.client.clone(), operation));
        }
    }

    /// Whether the status of this Gateway has to wait.
    pub(super) fn is_at(&self, gateway: &ObjectName) -> bool {
        self.schedule.is_at(gateway)
    }

    /// Waits until a write ends; `None`: none is under way. May be dropped and called again.
    pub(super) async fn next_end(&mut self) -> Option<Ended> {
        self.under_way.join_next().await?.ok()
    }

    /// Notes that.
    pub(super) fn ended(&mut self, (operation, result): Ended, now: Duration) {
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
        self.schedule.end(&operation, &written, now);
    }

    /// When something becomes due by the passing of time alone.
    pub(super) fn next(&self, now: Duration) -> Option<Duration> {
        self.schedule.next(now)
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
