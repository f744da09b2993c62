//! Care for what an earlier daemon put in force, while a file of its configuration is broken.
//!
//! A broken file keeps the content it had before, but a daemon that has just started never saw
//! that content: only the kernel knows what came of it.

use gateway_core::{
    endpoints::Endpoints,
    l4::{MapOp, Tables, compile::frontend_key},
    plan::{Frontend, L4Service, Plan, Target},
};

use super::steps::Step;

/// The plan without the kernel's frontends that have backends now and would have none.
pub(super) fn without_losses(plan: &Plan, endpoints: &Endpoints, tables: &Tables) -> Plan {
    let mut plan = plan.clone();
    plan.frontends.retain(|id, frontend| match frontend {
        Frontend::Http(_) => true,
        Frontend::L4(service) => {
            let new = tables.service_of(&frontend_key(id)).is_none();
            new || has_backend(service, endpoints)
        }
    });
    plan
}

fn has_backend(service: &L4Service, endpoints: &Endpoints) -> bool {
    service
        .backends
        .iter()
        .any(|backend| match &backend.target {
            Target::Backend(id) => backend.weight > 0 && endpoints.ready(id).next().is_some(),
            Target::Invalid => false,
        })
}

/// What of a step only adds and changes; `None` where nothing is left.
pub(super) fn without_removals(step: Step) -> Option<Step> {
    match step {
        Step::KeepAddresses(_) => None,
        Step::Kernel(mut ops) => {
            ops.retain(|op| !is_removal(op));
            (!ops.is_empty()).then_some(Step::Kernel(ops))
        }
        Step::AddAddresses(_) | Step::Http(_) => Some(step),
    }
}

fn is_removal(op: &MapOp) -> bool {
    match op {
        MapOp::RemoveFrontend(_) | MapOp::RemoveService(_) | MapOp::RemoveBackend(_) => true,
        MapOp::PutBackend(..)
        | MapOp::PutRegion(..)
        | MapOp::PutService(..)
        | MapOp::PutFrontend(..) => false,
    }
}
