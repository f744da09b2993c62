//! One watch: finds the version of a kind that the API server has, and follows it for ever.

use std::{pin::pin, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use futures_util::StreamExt as _;
use gateway_core::world::Event;
use kube::{
    Api, Client,
    api::{DynamicObject, ListParams, ObjectMeta},
    runtime::watcher::{self, Error, watcher},
};
use serde_json::Value as Json;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{heartbeat::Returns, metrics::WatchMetrics, target::Target};

/// How often a kind that is not installed is asked for.
const NOT_INSTALLED: Duration = Duration::from_secs(3);
/// Once a watch has not failed for so long, the API server is asked whether it works again.
const ASK_AFTER: Duration = Duration::from_secs(5);
/// One failure is not worth mentioning: connections end, and the watch goes on where it was.
const WORTH_MENTIONING: u32 = 2;
/// As long as an object, and of no use here.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The watch of one target.
pub(super) struct Watch {
    client: Client,
    target: Target,
    events: mpsc::Sender<(Target, Event)>,
    metrics: WatchMetrics,
    returns: Returns,
    backoff: ExponentialBackoff,
    /// Failures in a row.
    failures: u32,
    /// After these, when to ask whether it works.
    ask_at: Instant,
    ask_after: Duration,
}

/// Nobody wants the events any more.
struct Closed;

/// Why the watch of a version ended.
enum End {
    /// The API server does not know it.
    Unknown,
    /// It has to be begun anew.
    Restart,
}

impl Watch {
    pub(super) fn new(
        client: Client,
        target: Target,
        events: mpsc::Sender<(Target, Event)>,
        metrics: WatchMetrics,
        returns: Returns,
    ) -> Self {
        Self {
            client,
            target,
            events,
            metrics,
            returns,
            backoff: backoff(),
            failures: 0,
            ask_at: Instant::now(),
            ask_after: ASK_AFTER,
        }
    }

    /// Follows the target until nobody wants its events.
    pub(super) async fn run(mut self) {
        while let Ok(()) = self.run_once().await {}
    }

    async fn run_once(&mut self) -> Result<(), Closed> {
        for version in self.target.versions() {
            match self.follow(version).await? {
                End::Unknown => (),
                End::Restart => return Ok(()),
            }
        }
        self.failures = 0;
        self.send(Event::NotInstalled).await?;
        sleep(NOT_INSTALLED).await;
        Ok(())
    }

    async fn follow(&mut self, version: &str) -> Result<End, Closed> {
        let api = self.target.api(self.client.clone(), version);
        let mut stream = pin!(watcher(api.clone(), self.target.config()));
        let mut listed = false;
        loop {
            let next = if self.failures > 0 {
                timeout_at(self.ask_at, stream.next()).await
            } else {
                Ok(stream.next().await)
            };
            match next {
                Err(_elapsed) => match self.ask(&api).await {
                    Ok(()) => self.recovered().await?,
                    Err(why) => self.failed(why).await?,
                },
                Ok(None) => return Ok(End::Restart),
                Ok(Some(Ok(event))) => {
                    listed |= matches!(event, watcher::Event::InitDone);
                    self.send(told(event)).await?;
                }
                Ok(Some(Err(error))) if is_unknown(&error) => {
                    return Ok(if listed { End::Restart } else { End::Unknown });
                }
                Ok(Some(Err(error))) => {
                    self.failed(explain(&error)).await?;
                    // Refused as a version that the server has not, for one: list again.
                    if matches!(error, Error::WatchStartFailed(kube::Error::Api(_))) {
                        return Ok(End::Restart);
                    }
                }
            }
        }
    }

    /// A watch that does not fail may hang: an API server that starts takes connections before it
    /// answers, and refuses what it will allow. Whether it lists the kind now; or why not.
    async fn ask(&self, api: &Api<DynamicObject>) -> Result<(), String> {
        let config = self.target.config();
        let one = ListParams {
            label_selector: config.label_selector,
            field_selector: config.field_selector,
            limit: Some(1),
            ..ListParams::default()
        };
        match timeout(self.ask_after, api.list_metadata(&one)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(explain(&Error::InitialListFailed(error))),
            Err(_elapsed) => Err("it takes requests and does not answer".to_owned()),
        }
    }

    async fn recovered(&mut self) -> Result<(), Closed> {
        let mentioned = self.failures >= WORTH_MENTIONING;
        self.failures = 0;
        self.backoff = backoff();
        if mentioned {
            self.send(Event::Recovered).await?;
        }
        Ok(())
    }

    async fn failed(&mut self, why: String) -> Result<(), Closed> {
        self.failures += 1;
        let kind = self.target.name();
        self.metrics.failed(kind);
        tracing::debug!(kind, failures = self.failures, "watch failed: {why}");
        if self.failures >= WORTH_MENTIONING {
            self.send(Event::Failed(why)).await?;
        }
        tokio::select! {
            () = sleep(self.backoff.next().unwrap_or(LONGEST)) => (),
            // How long the outage was says nothing of what comes now.
            () = self.returns.later() => self.backoff = backoff(),
        }
        self.ask_at = Instant::now() + self.ask_after;
        Ok(())
    }

    async fn send(&self, event: Event) -> Result<(), Closed> {
        let told = (self.target.clone(), event);
        self.events.send(told).await.map_err(|_| Closed)
    }
}

const LONGEST: Duration = Duration::from_secs(10);

/// Waits that double, with jitter, so that all nodes do not come back at once.
fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        // Jitter may double it.
        .with_max_delay(LONGEST / 2)
        .with_jitter()
        .without_max_times()
        .build()
}

fn told(event: watcher::Event<DynamicObject>) -> Event {
    match event {
        watcher::Event::Init => Event::Listing,
        watcher::Event::InitApply(object) | watcher::Event::Apply(object) => {
            Event::Applied(json(object))
        }
        watcher::Event::Delete(object) => Event::Deleted(json(object)),
        watcher::Event::InitDone => Event::Listed,
    }
}

/// The object without what is only of use to `kubectl` and the API server.
fn json(mut object: DynamicObject) -> Json {
    let meta: &mut ObjectMeta = &mut object.metadata;
    meta.managed_fields = None;
    if let Some(annotations) = &mut meta.annotations {
        drop(annotations.remove(LAST_APPLIED));
    }
    // What came as JSON is JSON again.
    serde_json::to_value(object).unwrap_or_default()
}

fn is_unknown(error: &Error) -> bool {
    match error {
        Error::InitialListFailed(kube::Error::Api(status))
        | Error::WatchStartFailed(kube::Error::Api(status)) => status.code == 404,
        _ => false,
    }
}

/// The reason in one line, without what is the same for all of them.
fn explain(error: &Error) -> String {
    match error {
        Error::InitialListFailed(kube::Error::Api(status))
        | Error::WatchStartFailed(kube::Error::Api(status)) => refused(status),
        Error::WatchError(status) => refused(status),
        Error::InitialListFailed(error)
        | Error::WatchStartFailed(error)
        | Error::WatchFailed(error) => root_cause(error),
        Error::NoResourceVersion => "it gives no resource versions".to_owned(),
    }
}

fn refused(status: &kube::core::Status) -> String {
    let advice = match status.code {
        401 => ": give it a valid service account or kubeconfig",
        403 => ": grant it `list` and `watch` (the chart's ClusterRole does)",
        _ => "",
    };
    let message = status.message.lines().next().unwrap_or_default();
    format!("{message} ({}){advice}", status.code)
}

/// What the network said: the layers above it add nothing.
fn root_cause(error: &kube::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
