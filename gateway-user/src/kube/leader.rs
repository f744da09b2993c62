//! One of all nodes leads: it writes statuses and events, and gives out addresses.
//!
//! Whoever holds the Lease leads. Nothing that carries traffic depends on it.

mod elector;

use std::time::{Duration, Instant};

use k8s_openapi::{api::coordination::v1::Lease, jiff::Timestamp};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use self::elector::Elector;
use super::{client::Identity, heartbeat::Heartbeat, metrics::ControlMetrics};

/// Name of the Lease, in the namespace of our pods.
const NAME: &str = "xdp-gateway";
/// Between two attempts to take or renew it.
const RETRY: Duration = Duration::from_secs(2);
/// For one attempt.
const ATTEMPT: Duration = Duration::from_secs(5);

/// A candidate for as long as it is kept.
pub(super) struct Leader {
    leads: watch::Receiver<bool>,
    /// Asks to release the Lease.
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

struct Candidate {
    api: Api<Lease>,
    elector: Elector,
    started: Instant,
    leads: watch::Sender<bool>,
    metrics: ControlMetrics,
    heartbeat: Heartbeat,
    /// Why the last attempt failed: said once.
    trouble: Option<String>,
}

impl Leader {
    pub(super) fn start(
        client: &Client,
        identity: &Identity,
        metrics: ControlMetrics,
        heartbeat: Heartbeat,
    ) -> Self {
        let (sender, leads) = watch::channel(false);
        let (stop, stopped) = watch::channel(false);
        let candidate = Candidate {
            api: Api::namespaced(client.clone(), &identity.namespace),
            elector: Elector::new(identity.pod.clone()),
            started: Instant::now(),
            leads: sender,
            metrics,
            heartbeat,
            trouble: None,
        };
        Self {
            leads,
            stop,
            task: tokio::spawn(candidate.run(stopped)),
        }
    }

    /// Whether this node leads, as it changes.
    pub(super) fn leads(&self) -> watch::Receiver<bool> {
        self.leads.clone()
    }

    /// Stops leading, and lets another node do so at once if the API server can be told.
    pub(super) async fn release(&mut self) {
        self.stop.send_replace(true);
        // Fails only if the task has panicked.
        let _ = (&mut self.task).await;
    }
}

impl Candidate {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            let began = self.now();
            tokio::select! {
                _ = stopped.changed() => break,
                () = self.attempt(began) => (),
            }
            self.tell();
            tokio::select! {
                _ = stopped.changed() => break,
                () = sleep((began + RETRY).saturating_sub(self.now())) => (),
            }
        }
        let led = *self.leads.borrow();
        self.leads.send_replace(false);
        if led && let Err(error) = self.release().await {
            tracing::debug!("the Lease is not released: {error:#}");
        }
    }

    /// Ends at the latest when leading does, if it is not renewed.
    async fn attempt(&mut self, began: Duration) {
        let until = self.elector.leads_until().filter(|until| *until > began);
        let limit = until.map_or(ATTEMPT, |until| ATTEMPT.min(until - began));
        let result = match timeout(limit, self.renew(began)).await {
            Ok(result) => result.map_err(|error| format!("{error:#}")),
            Err(_elapsed) => Err(format!("no answer within {limit:.1?}")),
        };
        match result {
            Ok(()) => {
                self.heartbeat.answered();
                self.trouble = None;
            }
            Err(why) if self.trouble.as_ref() == Some(&why) => (),
            Err(why) => {
                tracing::warn!(
                    "Lease {NAME} cannot be read or renewed: {why}; if no other node can, no \
                     status is written, and no address is given out"
                );
                self.trouble = Some(why);
            }
        }
    }

    async fn renew(&mut self, began: Duration) -> Result<(), kube::Error> {
        let Some(lease) = self.api.get_opt(NAME).await? else {
            let mut lease = named(NAME);
            let spec = lease.spec.get_or_insert_default();
            lease.spec = self.elector.judge(spec, began, Timestamp::now());
            let created = self.api.create(&PostParams::default(), &lease).await;
            return self.took(created, began);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let Some(new) = self.elector.judge(&spec, self.now(), Timestamp::now()) else {
            return Ok(());
        };
        let written = self.replace(lease, new).await;
        self.took(written, began)
    }

    /// Of two that write at once one gets a conflict, and looks again next time.
    fn took(
        &mut self,
        written: Result<Lease, kube::Error>,
        began: Duration,
    ) -> Result<(), kube::Error> {
        match written {
            Ok(_) => self.elector.renewed(began),
            Err(kube::Error::Api(status)) if status.code == 409 => (),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// With the resource version that it was read with.
    async fn replace(
        &self,
        mut lease: Lease,
        spec: k8s_openapi::api::coordination::v1::LeaseSpec,
    ) -> Result<Lease, kube::Error> {
        lease.spec = Some(spec);
        lease.metadata.managed_fields = None;
        self.api.replace(NAME, &PostParams::default(), &lease).await
    }

    async fn release(&mut self) -> Result<(), kube::Error> {
        let release = async {
            let Some(lease) = self.api.get_opt(NAME).await? else {
                return Ok(());
            };
            let spec = lease.spec.clone().unwrap_or_default();
            match self.elector.release(&spec, Timestamp::now()) {
                Some(new) => self.replace(lease, new).await.map(drop),
                None => Ok(()),
            }
        };
        timeout(RETRY, release).await.unwrap_or(Ok(()))
    }

    fn tell(&mut self) {
        let leads = self.elector.leads(self.now());
        let changed = self.leads.send_if_modified(|old| {
            let changed = *old != leads;
            *old = leads;
            changed
        });
        if changed {
            self.metrics.leads(leads);
            let what = if leads {
                "leads"
            } else {
                "does not lead any more"
            };
            tracing::info!("this node {what}: who leads writes statuses and gives out addresses");
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

fn named(name: &str) -> Lease {
    Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        spec: None,
    }
}
