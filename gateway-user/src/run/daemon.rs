//! The daemon's state between two events, and what it does at each.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Result;
use gateway_core::world::{Problem, World};
use tokio::task::JoinSet;

use super::{
    backoff::Backoff,
    caution::Caution,
    path::RealPath,
    reconcile::{DataPath as _, Failure, Outcome, Reconciler, Removals},
    sweeper::Sweeper,
};
use crate::{
    admin::{InForce, Shown},
    files::{Source, Watch},
    metrics::Reloads,
    status::{
        build::{Facts, build},
        changes::changes,
        report::AttachmentRow,
    },
};

/// A running daemon. Dropping it leaves the kernel data path in force.
pub(super) struct Daemon {
    pub(super) config: PathBuf,
    pub(super) source: Source,
    /// Objects in force, as of the last reading.
    pub(super) world: World,
    /// Why the directory could not be read the last time.
    pub(super) unreadable: Option<Problem>,
    /// Files were read at least once.
    pub(super) loaded: bool,
    pub(super) caution: Caution,
    pub(super) reconciler: Reconciler<RealPath>,
    pub(super) backoff: Backoff,
    pub(super) sweeper: Sweeper,
    /// Why the interfaces could not be followed the last time: said once.
    pub(super) trouble: Option<String>,
    pub(super) reloads: Reloads,
    pub(super) shown: Arc<Shown>,
    /// They answer requests and read events until the daemon is dropped.
    pub(super) _tasks: JoinSet<()>,
}

impl Daemon {
    /// Reads the files again, and takes over what changed.
    pub(super) async fn reload(&mut self, watch: &mut Watch) {
        let started = Instant::now();
        if !self.read(watch) && self.loaded {
            return;
        }
        self.loaded = true;
        self.world = self.source.world();
        let in_force = self.reconcile().await;
        let ok = in_force && !self.problems().iter().any(Problem::is_error);
        self.reloads.count(ok, SystemTime::now());
        if ok {
            let World {
                http_routes,
                tcp_routes,
                udp_routes,
                ..
            } = &self.world;
            let routes = http_routes.len() + tcp_routes.len() + udp_routes.len();
            let gateways = self.world.gateways.len();
            let took = started.elapsed();
            tracing::info!("in force after {took:.1?} (Gateways: {gateways}, routes: {routes})");
        } else if in_force {
            tracing::warn!("broken files keep what they held before; the others are in force");
        }
    }

    /// Whether something is different from the last reading.
    fn read(&mut self, watch: &mut Watch) -> bool {
        let mut changed = false;
        let unreadable = loop {
            match self.source.refresh() {
                Ok(found) => {
                    changed |= found.changed > 0;
                    // What happened before a directory was watched went unnoticed: look again.
                    if !watch.follow(&found.watched) {
                        break None;
                    }
                }
                Err(error) => {
                    let config = self.config.display().to_string();
                    break Some(Problem::of_file(config.into(), error.to_string()));
                }
            }
        };
        changed |= unreadable != self.unreadable;
        self.unreadable = unreadable;
        changed
    }

    /// Brings the data path to what the files say, and tells; whether it is there now.
    pub(super) async fn reconcile(&mut self) -> bool {
        let removals = self.caution.removals(&self.problems());
        let outcome = self.reconciler.reconcile(&self.world, removals).await;
        let done = outcome.failure.is_none();
        // An address that cannot be had must not keep traffic from the others.
        let serves = !matches!(outcome.failure, Some(Failure::Steps(_)));
        if done {
            self.backoff.succeeded();
        } else {
            self.backoff.failed(Instant::now());
        }
        self.publish(outcome, removals);
        if serves {
            self.shown.set_ready(true);
        }
        done
    }

    /// Returns when a failed reconciliation should be tried again.
    pub(super) async fn retry_due(&self) {
        self.backoff.due().await;
    }

    fn publish(&self, outcome: Outcome, removals: Removals) {
        let report = build(Facts {
            world: &self.world,
            plan: &outcome.translation.plan,
            endpoints: &outcome.endpoints,
            statuses: &outcome.statuses,
            problems: self.problems(),
            attachments: self.attachments(),
            unserved: outcome.unserved.iter().map(ToString::to_string).collect(),
            removals_held_back: removals == Removals::Later,
            failure: outcome.failure.map(|failure| failure.why().to_owned()),
        });
        for line in changes(&self.shown.report.load(), &report) {
            line.log();
        }
        self.shown.report.store(Arc::new(report));
        self.shown.in_force.store(Arc::new(InForce {
            translation: outcome.translation,
            endpoints: outcome.endpoints,
            tables: Arc::new(self.reconciler.path.tables().clone()),
        }));
    }

    fn problems(&self) -> Vec<Problem> {
        self.unreadable
            .iter()
            .cloned()
            .chain(self.source.problems())
            .collect()
    }

    /// Sees to it that interfaces that were made anew carry the programs.
    pub(super) async fn follow_interfaces(&mut self) {
        match self.reconciler.path.kernel.follow_interfaces().await {
            Ok(false) => self.trouble = None,
            Ok(true) => {
                self.trouble = None;
                for row in self.attachments() {
                    tracing::warn!("an interface changed: {row}");
                }
                self.reconcile().await;
            }
            Err(error) => {
                let trouble = format!("{error:#}");
                if self.trouble.as_ref() != Some(&trouble) {
                    tracing::warn!("the interfaces cannot be followed: {trouble}");
                    self.trouble = Some(trouble);
                }
            }
        }
    }

    fn attachments(&self) -> Vec<AttachmentRow> {
        let found = self.reconciler.path.kernel.attachments();
        found.iter().map(AttachmentRow::from).collect()
    }

    /// Has flows that outlived their connection removed from the kernel's table.
    pub(super) fn sweep(&self) {
        if let Err(error) = self.sweep_or_error() {
            tracing::warn!("the flow table is not swept: {error:#}");
        }
    }

    fn sweep_or_error(&self) -> Result<()> {
        self.sweeper.begin(self.reconciler.path.kernel.sweep()?)
    }

    /// Ends the proxy gracefully. The kernel data path stays in force.
    pub(super) async fn drain(self, deadline: Duration) {
        self.shown.set_ready(false);
        tracing::info!("stopping: requests in flight have {deadline:?} to finish");
        self.reconciler.path.proxy.shutdown(deadline).await;
        tracing::info!(
            "stopped; TCP and UDP routes stay in the kernel (`xdp-gateway unload` ends them)"
        );
    }
}
