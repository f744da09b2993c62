//! The daemon's state between two events, and what it does at each.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Result;
use gateway_core::{
    infrastructure::Infrastructure,
    l4::Drains,
    status::{NodeReport, Statuses},
    translate::Translation,
    world::{Problem, World},
};
use tokio::task::JoinSet;

use super::{
    backoff::Backoff,
    caution::Caution,
    neighbours::Conflicts,
    path::RealPath,
    reconcile::{DataPath as _, Failure, Outcome, Reconciler, Removals},
    source::Source,
    sweeper::Sweeper,
    watcher::Watcher,
};
use crate::{
    admin::{InForce, Shown},
    health::{Checker, Health},
    kube::News,
    metrics::Reloads,
    status::{
        build::{Facts, build},
        changes::changes,
        report::{AttachmentRow, Report, VERSION},
    },
};

/// A running daemon. Dropping it leaves the kernel data path in force.
pub(super) struct Daemon {
    pub(super) caution: Caution,
    pub(super) reconciler: Reconciler<RealPath>,
    pub(super) backoff: Backoff,
    pub(super) sweeper: Sweeper,
    /// Tells `health`.
    pub(super) _watcher: Watcher,
    /// So does this.
    pub(super) _checker: Checker,
    pub(super) drains: Drains,
    /// What times are counted from.
    pub(super) epoch: Instant,
    pub(super) conflicts: Conflicts,
    pub(super) health: Arc<Health>,
    pub(super) reloads: Reloads,
    pub(super) shown: Arc<Shown>,
    /// They answer requests and read events until the daemon is dropped.
    pub(super) _tasks: JoinSet<()>,
}

impl Daemon {
    /// Takes over what is new in the source of objects.
    pub(super) async fn reload(&mut self, source: &mut Source) {
        let started = Instant::now();
        let changed = source.read();
        let leads = self.reconciler.set_leads(source.leads());
        // What a world that is not whole lacks must not be taken from the data path.
        let reports = changed.reports && source.leads();
        let due = changed.world || changed.watches || changed.peers || reports || leads;
        if !due || !source.is_whole() {
            self.show_source(source);
            if changed.live {
                source.tell(None);
            }
            return;
        }
        let before = self.shown.in_force.load().translation.clone();
        let in_force = self.reconcile(source).await;
        if !changed.world {
            return;
        }
        let ok = in_force && !source.problems().iter().any(Problem::is_error);
        self.reloads.count(ok, SystemTime::now());
        let translated = !Arc::ptr_eq(&before, &self.shown.in_force.load().translation);
        if !translated {
            tracing::debug!("endpoints in force after {:.1?}", started.elapsed());
        } else if ok {
            log_in_force(source.world(), started.elapsed());
        } else if in_force {
            tracing::warn!("what is broken stays as it was before; all else is in force");
        }
    }

    /// Brings the data path to what the objects say, and tells; whether it is there now.
    pub(super) async fn reconcile(&mut self, source: &Source) -> bool {
        let removals = self.caution.removals(&source.problems());
        self.reconciler.set_members(source.members());
        self.reconciler.set_out(self.health.out());
        let mut outcome = self.reconciler.reconcile(source.world(), removals).await;
        self.health.want(&outcome.checks);
        let plan = &outcome.translation.plan;
        let tables = self.reconciler.path.tables();
        self.drains.observe(plan, tables, self.epoch.elapsed());
        self.conflicts.tell(plan, &mut outcome.statuses);
        let mut infrastructure = source.infrastructure(plan, &outcome.statuses);
        // While a class cannot be read, its Gateways only seem to be of nobody.
        infrastructure.removals &= removals == Removals::Now;
        outcome.statuses.infrastructure_refused(&infrastructure);
        let attached = self.tell_interfaces(source.world(), &mut outcome);
        let done = outcome.failure.is_none();
        // An address that cannot be had must not keep traffic from the others.
        let serves = attached && !matches!(outcome.failure, Some(Failure::Steps(_)));
        if done {
            self.backoff.succeeded();
        } else {
            self.backoff.failed(Instant::now());
        }
        source.tell_tunnel(&self.reconciler.path.kernel.tunnel());
        self.publish(source, outcome, removals, infrastructure);
        if serves {
            self.shown.set_ready(true);
        }
        done
    }

    /// Returns when a failed reconciliation should be tried again.
    pub(super) async fn retry_due(&self) {
        self.backoff.due().await;
    }

    /// Returns when endpoints failed too often, or have been out for long enough.
    pub(super) async fn health_changed(&self) {
        self.health.changed().await;
    }

    fn publish(
        &self,
        source: &Source,
        outcome: Outcome,
        removals: Removals,
        infrastructure: Infrastructure,
    ) {
        let path = &self.reconciler.path;
        let mut node = path.choice.row(&outcome.translation.plan.node);
        let refused = path.kernel.refusals().map(str::to_owned);
        node.without_effect.extend(refused);
        let report = build(Facts {
            source: source.report(),
            node,
            world: source.world(),
            plan: &outcome.translation.plan,
            endpoints: &outcome.endpoints,
            tables: self.reconciler.path.tables(),
            statuses: &outcome.statuses,
            problems: source.problems(),
            attachments: self.attachments(),
            answerers: &outcome.answerers,
            failing: self.reconciler.out(),
            panicking: &outcome.panicking,
            unserved: outcome.unserved,
            removals_held_back: removals == Removals::Later,
            failure: outcome.failure.map(|failure| failure.why().to_owned()),
        });
        self.show(report);
        let news = self.news(
            source,
            &outcome.translation,
            outcome.statuses,
            infrastructure,
        );
        source.tell(Some(news));
        self.shown.in_force.store(Arc::new(InForce {
            translation: outcome.translation,
            endpoints: outcome.endpoints,
            tables: Arc::new(self.reconciler.path.tables().clone()),
        }));
    }

    /// What the API server should know. `here`: statuses as they are true on this node.
    fn news(
        &self,
        source: &Source,
        asked: &Translation,
        here: Statuses,
        infrastructure: Infrastructure,
    ) -> News {
        let conflicts = self.conflicts.known().iter();
        let report = NodeReport::new(&asked.statuses, &here, conflicts);
        let mut statuses = here;
        if let Some(mut reports) = source.reports() {
            reports.insert(source.members().me, report.clone());
            // Of one node there is no need to say which.
            if reports.len() > 1 {
                statuses.take_reports(&reports, &asked.plan);
            }
        }
        News {
            certificates: asked.plan.certificates.iter().cloned().collect(),
            statuses: Arc::new(statuses),
            infrastructure,
            report,
        }
    }

    /// Shows how the source of objects is, where nothing else is new.
    fn show_source(&self, source: &Source) {
        let shown = self.shown.report.load();
        let source = source.report();
        if shown.source == source {
            return;
        }
        let report = Report {
            version: VERSION.to_owned(),
            source,
            ..Report::clone(&shown)
        };
        self.show(report);
    }

    fn show(&self, report: Report) {
        for line in changes(&self.shown.report.load(), &report) {
            line.log();
        }
        self.shown.report.store(Arc::new(report));
    }

    /// Sees to it that the programs are on the interfaces that are asked for, as those come and go.
    pub(super) async fn follow_interfaces(&mut self, source: &Source) {
        let troubled = self.reconciler.path.trouble.is_some();
        let changed = self.reconciler.path.follow().await;
        let mended = troubled != self.reconciler.path.trouble.is_some();
        if (changed || mended) && source.is_whole() {
            self.reconcile(source).await;
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
        let clock = self.reconciler.path.kernel.clock()?;
        self.sweeper
            .begin(self.drains.sweep(clock, self.epoch.elapsed()))
    }

    /// Ends the proxy gracefully. The kernel data path stays in force.
    pub(super) async fn drain(self, deadline: Duration) {
        self.shown.set_ready(false);
        tracing::info!("stopping: requests in flight have {deadline:?} to finish");
        self.reconciler.path.proxy.shutdown(deadline).await;
    }
}

fn log_in_force(world: &World, took: Duration) {
    let World {
        http_routes,
        grpc_routes,
        tls_routes,
        tcp_routes,
        udp_routes,
        gateways,
        ..
    } = world;
    let requests = http_routes.len() + grpc_routes.len();
    let connections = tls_routes.len() + tcp_routes.len() + udp_routes.len();
    let routes = requests + connections;
    let gateways = gateways.len();
    tracing::info!("in force after {took:.1?} (Gateways: {gateways}, routes: {routes})");
}
