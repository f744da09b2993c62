//! From a World to a data path that does what it says. Thin: the decisions are pure functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    mem,
    net::IpAddr,
    sync::Arc,
};

use anyhow::Result;
use gateway_core::{
    announce::{self, Answerers, Members},
    endpoints::Endpoints,
    health::{Out, Wanted},
    l4::{CapacityError, Tables, proxied, unserved},
    name::ObjectName,
    plan::{BackendId, Frontend, NodeWish, Plan},
    status::{Statuses, endpoint_verdicts},
    translate::{Settings, Translation, translate},
    world::World,
};

use super::{
    caution::{without_losses, without_removals},
    steps::{Addresses, Here, Step, steps},
};
use crate::address::reasons;

/// Addresses that could not be put in force, with the reason; all else of a step is done.
pub(super) type Refused = BTreeMap<IpAddr, String>;

/// The world outside, as far as reconciling changes it.
pub(super) trait DataPath {
    /// What the kernel's maps hold.
    fn tables(&self) -> &Tables;
    /// Those of `wanted` that interfaces of this host have.
    fn on_interfaces(
        &mut self,
        wanted: &BTreeSet<IpAddr>,
    ) -> impl Future<Output = Result<BTreeSet<IpAddr>>>;
    /// Prepares the node's process for what the objects ask of it; `removals`: whether also
    /// interfaces go. What fails is told in the status, and keeps nothing from going on.
    fn prepare(&mut self, wish: &NodeWish, removals: Removals) -> impl Future<Output = ()>;
    /// This node as it is wanted, and as it is.
    fn here(&self, wish: &NodeWish) -> Here;
    /// Takes one step. After an error the rest of the list is not tried.
    fn take(&mut self, step: Step) -> impl Future<Output = Result<Refused>>;
}

/// Keeps a data path in line with the objects.
#[derive(Debug)]
pub(super) struct Reconciler<P> {
    pub path: P,
    settings: Settings,
    translated: Option<Translated>,
    members: Members,
    /// Endpoints that fail.
    out: Out,
    /// Addresses in force; `None` before the first success, when an earlier daemon's may be.
    addresses: Option<InForce>,
}

/// Addresses, with whom their owners were chosen from.
#[derive(Clone, Debug)]
struct InForce {
    members: Members,
    answerers: Answerers,
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
    /// Backends that keep endpoints which fail, because too many do.
    pub panicking: BTreeSet<BackendId>,
    /// How endpoints are to be checked.
    pub checks: Wanted,
    pub statuses: Statuses,
    /// What is asked for and cannot be done, in words.
    pub unserved: Vec<String>,
    /// Who answers for the addresses of the Gateways.
    pub answerers: Answerers,
    /// Why the data path is not what it should be; to be tried again.
    pub failure: Option<Failure>,
}

/// How much of the data path is behind, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The Gateways of some addresses.
    Addresses(String),
    /// Those that are reached through some interfaces, or all.
    Interfaces(String),
    /// Perhaps every Gateway: the steps ended early.
    Steps(String),
}

impl Failure {
    pub(super) fn why(&self) -> &str {
        match self {
            Self::Addresses(why) | Self::Interfaces(why) | Self::Steps(why) => why,
        }
    }
}

impl<P: DataPath> Reconciler<P> {
    pub(super) fn new(path: P, settings: Settings, members: Members) -> Self {
        Self {
            path,
            settings,
            members,
            translated: None,
            out: Out::new(),
            addresses: None,
        }
    }

    /// The nodes that share the addresses, from the next reconciliation on.
    pub(super) fn set_members(&mut self, members: Members) {
        self.members = members;
    }

    /// Endpoints that shall get no new traffic, from the next reconciliation on.
    pub(super) fn set_out(&mut self, out: Out) {
        self.out = out;
    }

    pub(super) fn out(&self) -> &Out {
        &self.out
    }

    /// Who answers for the addresses in force.
    pub(super) fn answerers_in_force(&self) -> &Answerers {
        static NONE: Answerers = Answerers::new();
        self.addresses
            .as_ref()
            .map_or(&NONE, |known| &known.answerers)
    }

    /// Whether this node gives out addresses; says whether that is new.
    pub(super) fn set_leads(&mut self, leads: bool) -> bool {
        let may_allocate = &mut self.settings.addressing.may_allocate;
        let changed = mem::replace(may_allocate, leads) != leads;
        if changed {
            self.translated = None;
        }
        changed
    }

    /// Brings the data path to what `world` says. Statuses tell what is in force afterwards.
    pub(super) async fn reconcile(&mut self, world: &World, removals: Removals) -> Outcome {
        let translation = self.translate(world);
        let plan = &translation.plan;
        let mut endpoints = world.endpoints(plan.backend_ids().into_iter());
        // Also those that fail now, or they would never be back.
        let checks = plan.checks(&endpoints);
        let panicking = endpoints.leave_out(&self.out);
        let Members { me, tunnels, .. } = &self.members;
        endpoints.seen_from(me, &world.endpoint_nodes(), tunnels);
        self.path.prepare(&plan.node, removals).await;
        let (answerers, applied) = match self.answerers(plan).await {
            Ok((answerers, refused)) => {
                let applied = self.apply(plan, &endpoints, &answerers, removals).await;
                let all = applied.map(|more| refused.into_iter().chain(more).collect::<Refused>());
                (answerers, all)
            }
            Err(error) => (Answerers::new(), Err(error)),
        };

        let mut statuses = translation.statuses.clone();
        endpoint_verdicts(plan, &endpoints, &mut statuses);
        let unserved = unserved(plan, &endpoints).into_iter();
        let unserved = unserved.map(|one| one.to_string());
        let proxied = match applied {
            Ok(_) => proxied(plan, self.path.tables()),
            // What is in force is behind, whatever there is room for.
            Err(_) => Vec::new(),
        };
        let proxied = proxied.into_iter().map(|one| one.to_string());
        let failure = match applied {
            Ok(refused) => {
                for (gateway, why) in without_address(plan, &refused) {
                    statuses.not_programmed(gateway, why);
                }
                (!refused.is_empty()).then(|| Failure::Addresses(reasons(&refused)))
            }
            Err(error) => {
                let why = format!("{error:#}");
                for gateway in plan.frontends.values().map(Frontend::gateway) {
                    statuses.not_programmed(gateway, &why);
                }
                Some(Failure::Steps(why))
            }
        };
        Outcome {
            translation,
            endpoints: Arc::new(endpoints),
            panicking,
            checks,
            statuses,
            unserved: unserved.chain(proxied).collect(),
            answerers,
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

    /// Who answers for the plan's addresses; and those that the kernel has no room for.
    async fn answerers(&mut self, plan: &Plan) -> Result<(Answerers, Refused)> {
        let mut wanted: BTreeSet<_> = plan.frontends.keys().map(|id| id.address.ip()).collect();
        let refused = announce::without_room(&mut wanted, &self.path.tables().addresses);
        let answerers = match &self.addresses {
            Some(known) if known.members == self.members && known.answerers.keys().eq(&wanted) => {
                known.answerers.clone()
            }
            _ => {
                let on_interfaces = self.path.on_interfaces(&wanted).await?;
                announce::answerers(&wanted, &on_interfaces, &self.members)
            }
        };
        Ok((answerers, refused))
    }

    async fn apply(
        &mut self,
        plan: &Plan,
        endpoints: &Endpoints,
        answerers: &Answerers,
        removals: Removals,
    ) -> Result<Refused> {
        let in_force = self.addresses.as_ref().map(|known| &known.answerers);
        let addresses = Addresses {
            wanted: answerers,
            changed: in_force != Some(answerers),
        };
        let steps = self.steps(plan, endpoints, addresses, removals)?;
        self.addresses = None;
        let mut refused = Refused::new();
        for step in steps {
            refused.extend(self.path.take(step).await?);
        }
        let all_done = removals == Removals::Now && refused.is_empty();
        self.addresses = all_done.then(|| InForce {
            members: self.members.clone(),
            answerers: answerers.clone(),
        });
        Ok(refused)
    }

    fn steps(
        &self,
        plan: &Plan,
        endpoints: &Endpoints,
        addresses: Addresses<'_>,
        removals: Removals,
    ) -> Result<Vec<Step>, CapacityError> {
        let tables = self.path.tables();
        let here = self.path.here(&plan.node);
        match removals {
            Removals::Now => steps(plan, endpoints, here, tables, addresses),
            Removals::Later => {
                let plan = without_losses(plan, endpoints, tables);
                let steps = steps(&plan, endpoints, here, tables, addresses)?;
                Ok(steps
                    .into_iter()
                    .filter_map(|step| without_removals(step, tables))
                    .collect())
            }
        }
    }
}

/// Gateways with a refused address, and why.
fn without_address<'a>(
    plan: &'a Plan,
    refused: &'a Refused,
) -> impl Iterator<Item = (&'a ObjectName, &'a str)> {
    plan.frontends.iter().filter_map(|(id, frontend)| {
        let why = refused.get(&id.address.ip())?;
        Some((frontend.gateway(), why.as_str()))
    })
}

#[cfg(test)]
mod tests;
