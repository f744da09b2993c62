//! From a World to a data path that does what it says. Thin: the decisions are pure functions.

use std::{collections::BTreeSet, future::Future, mem, net::IpAddr, sync::Arc};

use anyhow::Result;
use gateway_core::{
    endpoints::Endpoints,
    l4::{CapacityError, Tables, Unserved, unserved},
    plan::Plan,
    status::{Reported, Statuses, endpoint_verdicts},
    translate::{Settings, Translation, translate},
    world::World,
};

use super::{
    caution::{without_losses, without_removals},
    steps::{Step, steps},
};

/// The world outside, as far as reconciling changes it.
pub(super) trait DataPath {
    /// What the kernel's maps hold.
    fn tables(&self) -> &Tables;
    /// Takes one step. After an error the rest of the list is not tried.
    fn take(&mut self, step: Step) -> impl Future<Output = Result<()>>;
}

/// Keeps a data path in line with the objects.
#[derive(Debug)]
pub(super) struct Reconciler<P> {
    pub path: P,
    settings: Settings,
    /// Threads of the proxy.
    workers: u32,
    translated: Option<Translated>,
    /// Addresses in force; `None` before the first success, when an earlier daemon's may be.
    addresses: Option<BTreeSet<IpAddr>>,
}

/// The last translation, with what it was made from: everything but the EndpointSlices.
#[derive(Debug)]
struct Translated {
    world: World,
    translation: Arc<Translation>,
}

/// Whether what the kernel serves and the objects do not name is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removals {
    Now,
    /// Not while it may belong to objects that could not be read yet.
    Later,
}

/// What is true after a reconciliation.
#[derive(Debug)]
pub(super) struct Outcome {
    /// What was asked for; its statuses do not know yet what became of it.
    pub translation: Arc<Translation>,
    pub endpoints: Arc<Endpoints>,
    pub statuses: Statuses,
    /// What is asked for and cannot be done in this version.
    pub unserved: Vec<Unserved>,
    /// Why the data path is not what it should be; to be tried again.
    pub failure: Option<String>,
}

impl<P: DataPath> Reconciler<P> {
    pub(super) fn new(path: P, settings: Settings, workers: u32) -> Self {
        Self {
            path,
            settings,
            workers,
            translated: None,
            addresses: None,
        }
    }

    /// Brings the data path to what `world` says. Statuses tell what is in force afterwards.
    pub(super) async fn reconcile(&mut self, world: &World, removals: Removals) -> Outcome {
        let translation = self.translate(world);
        let plan = &translation.plan;
        let endpoints = world.endpoints(plan.backend_ids().into_iter());
        let applied = self.apply(plan, &endpoints, removals).await;

        let mut statuses = translation.statuses.clone();
        endpoint_verdicts(plan, &endpoints, &mut statuses);
        let unserved = unserved(plan, &endpoints);
        let failure = applied.err().map(|error| format!("{error:#}"));
        if let Some(failure) = &failure {
            let gateways: Vec<_> = statuses
                .gateways
                .iter()
                .map(Reported::object_name)
                .collect();
            gateways
                .iter()
                .for_each(|gateway| statuses.not_programmed(gateway, failure));
        }
        Outcome {
            translation,
            endpoints: Arc::new(endpoints),
            statuses,
            unserved,
            failure,
        }
    }

    /// Translates, unless nothing but EndpointSlices differs from the last time.
    fn translate(&mut self, world: &World) -> Arc<Translation> {
        let mut routes = world.clone();
        drop(mem::take(&mut routes.slices));
        match &self.translated {
            Some(last) if last.world == routes => last.translation.clone(),
            _ => {
                let translation = Arc::new(translate(world, &self.settings));
                let translated = Translated {
                    world: routes,
                    translation: translation.clone(),
                };
                self.translated = Some(translated);
                translation
            }
        }
    }

    async fn apply(
        &mut self,
        plan: &Plan,
        endpoints: &Endpoints,
        removals: Removals,
    ) -> Result<()> {
        let wanted: BTreeSet<_> = plan.frontends.keys().map(|id| id.address.ip()).collect();
        let addresses = (self.addresses.as_ref() != Some(&wanted)).then_some(&wanted);
        let steps = self.steps(plan, endpoints, addresses, removals)?;
        self.addresses = None;
        for step in steps {
            self.path.take(step).await?;
        }
        self.addresses = (removals == Removals::Now).then_some(wanted);
        Ok(())
    }

    fn steps(
        &self,
        plan: &Plan,
        endpoints: &Endpoints,
        addresses: Option<&BTreeSet<IpAddr>>,
        removals: Removals,
    ) -> Result<Vec<Step>, CapacityError> {
        let tables = self.path.tables();
        match removals {
            Removals::Now => steps(plan, endpoints, self.workers, tables, addresses),
            Removals::Later => {
                let plan = without_losses(plan, endpoints, tables);
                let steps = steps(&plan, endpoints, self.workers, tables, addresses)?;
                Ok(steps.into_iter().filter_map(without_removals).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests;
