//! Kubernetes Events on objects, for what users should know.

use std::{collections::HashMap, time::Duration};

use gateway_core::status::{Notice, Sign, Subject, Write, shortened};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use tokio::{sync::mpsc, time::timeout};

use super::{client::Identity, metrics::ControlMetrics};

/// Bytes that the API allows in a note.
const NOTE: usize = 1024;
/// Events that wait for the API server; more are dropped: conditions say the same.
const QUEUE: usize = 1024;
const REQUEST: Duration = Duration::from_secs(10);
/// Different notes that are remembered, so that one that comes again is counted.
const REMEMBERED: usize = 256;

/// Takes events, and never waits for the API server.
#[derive(Clone)]
pub(super) struct Events {
    sender: mpsc::Sender<(ObjectReference, Notice)>,
    metrics: ControlMetrics,
}

struct Publisher {
    client: Client,
    reporter: Reporter,
    /// One for each note. A recorder counts what comes again, but does not look at notes: with
    /// one for all, another message with the same reason would not be shown.
    recorders: HashMap<String, Recorder>,
    metrics: ControlMetrics,
}

impl Events {
    /// Publishes until all copies are dropped.
    pub(super) fn start(client: Client, identity: &Identity, metrics: ControlMetrics) -> Self {
        let (sender, mut queue) = mpsc::channel(QUEUE);
        let mut publisher = Publisher {
            client,
            reporter: Reporter {
                controller: gateway_core::translate::CONTROLLER_NAME.to_owned(),
                instance: Some(identity.pod.clone()),
            },
            recorders: HashMap::new(),
            metrics: metrics.clone(),
        };
        tokio::spawn(async move {
            while let Some((object, notice)) = queue.recv().await {
                publisher.publish(&object, notice).await;
            }
        });
        Self { sender, metrics }
    }

    /// Tells what a write that was made has to tell.
    pub(super) fn tell(&self, write: &mut Write) {
        let object = reference(write.subject());
        for notice in write.notices.drain(..) {
            self.send(object.clone(), notice);
        }
    }

    /// Tells a sign.
    pub(super) fn show(&self, sign: Sign) {
        self.send(reference(sign.subject), sign.notice);
    }

    fn send(&self, object: ObjectReference, notice: Notice) {
        if self.sender.try_send((object, notice)).is_err() {
            self.metrics.event("dropped");
        }
    }
}

fn reference(subject: Subject) -> ObjectReference {
    let namespace = &subject.name.namespace;
    ObjectReference {
        namespace: (!namespace.is_empty()).then(|| namespace.to_string()),
        api_version: Some(subject.api_version),
        kind: Some(subject.kind.as_str().to_owned()),
        name: Some(subject.name.name.to_string()),
        uid: Some(subject.uid),
        ..ObjectReference::default()
    }
}

impl Publisher {
    async fn publish(&mut self, object: &ObjectReference, notice: Notice) {
        if self.recorders.len() >= REMEMBERED {
            self.recorders.clear();
        }
        let recorder = self.recorders.entry(notice.message.clone());
        let recorder =
            recorder.or_insert_with(|| Recorder::new(self.client.clone(), self.reporter.clone()));
        let event = Event {
            type_: match notice.warning {
                true => EventType::Warning,
                false => EventType::Normal,
            },
            reason: notice.reason,
            note: Some(shortened(&notice.message, NOTE)),
            action: notice.action.to_owned(),
            secondary: None,
        };
        let result = match timeout(REQUEST, recorder.publish(&event, object)).await {
            Ok(Ok(())) => "ok",
            Ok(Err(error)) => {
                tracing::debug!("an event is lost: {error:#}");
                "error"
            }
            Err(_elapsed) => "error",
        };
        self.metrics.event(result);
    }
}
