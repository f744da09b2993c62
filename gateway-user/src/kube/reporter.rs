//! Says in a condition of our own pod what this node has to report.
//!
//! A task of its own: nothing waits for it. What the pod says already is not written again, so a
//! node that never had anything to report never writes.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use gateway_core::status::NodeReport;
use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use tokio::{sync::watch, time::sleep};

use super::{
    client::Identity,
    metrics::ControlMetrics,
    request::{self, Refusal},
};

/// What is mended so soon need not be told.
const SETTLE: Duration = Duration::from_secs(1);
/// Between two writes: two stations that fight for an address must not keep the API server busy.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// What there is to say, and what is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OwnReport {
    /// `None` before the first reconciliation.
    pub(super) wanted: Option<NodeReport>,
    /// What our pod says, as the API server told last; `None` while it knows no such pod.
    pub(super) said: Option<NodeReport>,
}

pub(super) struct Reporter {
    api: Api<Pod>,
    pod: String,
    report: watch::Receiver<OwnReport>,
    metrics: ControlMetrics,
}

impl OwnReport {
    fn due(&self) -> Option<&NodeReport> {
        let wanted = self.wanted.as_ref()?;
        (self.said.as_ref()? != wanted).then_some(wanted)
    }
}

impl Reporter {
    pub(super) fn new(
        client: Client,
        identity: &Identity,
        report: watch::Receiver<OwnReport>,
        metrics: ControlMetrics,
    ) -> Self {
        Self {
            api: Api::namespaced(client, &identity.namespace),
            pod: identity.pod.clone(),
            report,
            metrics,
        }
    }

    /// Writes until there is nothing to be told any more.
    pub(super) async fn run(mut self) {
        let retries = ExponentialBuilder::default()
            .with_min_delay(PAUSE)
            .with_max_delay(LONGEST_RETRY)
            .with_jitter()
            .without_max_times();
        let mut retry = retries.build();
        let mut trouble = None;
        while self
            .report
            .wait_for(|report| report.due().is_some())
            .await
            .is_ok()
        {
            sleep(SETTLE).await;
            let Some(report) = self.report.borrow_and_update().due().cloned() else {
                continue;
            };
            let pause = match self.write(&report).await {
                Ok(()) => {
                    self.metrics.reported("ok");
                    (trouble, retry) = (None, retries.build());
                    PAUSE
                }
                Err(why) => {
                    self.metrics.reported("error");
                    if trouble.as_ref() != Some(&why) {
                        tracing::warn!(
                            "what this node reports cannot be written to its pod {}: {why}; \
                             Gateways' conditions lack it, traffic is not affected, and it is \
                             tried again",
                            self.pod
                        );
                    }
                    trouble = Some(why);
                    retry.next().unwrap_or(LONGEST_RETRY)
                }
            };
            sleep(pause).await;
        }
    }

    async fn write(&self, report: &NodeReport) -> Result<(), String> {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let patch = Patch::Strategic(report.patch(&now));
        let params = PatchParams::default();
        match request::send(self.api.patch_status(&self.pod, &params, &patch)).await {
            Ok(_) | Err(Refusal::Outdated) => Ok(()),
            Err(Refusal::Failed {
                forbidden: true,
                why,
            }) => Err(format!(
                "{why}; grant it `patch` of pods/status (the chart's Role does)"
            )),
            Err(Refusal::Failed { why, .. }) => Err(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_pod_does_not_say_yet_is_due() {
        let bad = NodeReport {
            not_programmed: [("full".into(), ["a/b".into()].into())].into(),
            ..NodeReport::default()
        };
        let due = |wanted: Option<&NodeReport>, said: Option<&NodeReport>| {
            let (wanted, said) = (wanted.cloned(), said.cloned());
            OwnReport { wanted, said }.due().cloned()
        };
        let well = NodeReport::default();
        assert_eq!(due(None, Some(&bad)), None, "nothing is known yet");
        assert_eq!(due(Some(&well), Some(&well)), None);
        assert_eq!(due(Some(&bad), Some(&well)), Some(bad.clone()));
        assert_eq!(due(Some(&bad), Some(&bad)), None);
        assert_eq!(
            due(Some(&well), Some(&bad)),
            Some(well),
            "of an earlier process"
        );
        assert_eq!(due(Some(&bad), None), None, "there is no pod");
    }
}
