//! Care for what an earlier daemon put in force, while a file of its configuration is broken.
//!
//! A broken file keeps the content it had before, but a daemon that has just started never saw
//! that content: only the kernel knows what came of it.

use gateway_core::{
    endpoints::Endpoints,
    l4::{MapOp, Tables, compile::frontend_key},
    plan::{Frontend, L4Service, Plan, Target},
    world::Problem,
};

use super::{reconcile::Removals, steps::Step};

/// Remembers whether there was a reading without an error since the start: from then on, what is
/// not in the files is not wanted.
#[derive(Debug, Default)]
pub(super) struct Caution {
    whole: bool,
}

impl Caution {
    /// What to do about removals after a reading that found `problems`.
    pub(super) fn removals(&mut self, problems: &[Problem]) -> Removals {
        self.whole |= !problems.iter().any(Problem::is_error);
        if self.whole {
            Removals::Now
        } else {
            Removals::Later
        }
    }
}

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
        // What leads to the workers may belong to a Gateway that could not be read yet.
        Step::KeepAddresses(_) | Step::Shrink(_) => None,
        Step::Kernel(mut ops) => {
            ops.retain(|op| !is_removal(op));
            (!ops.is_empty()).then_some(Step::Kernel(ops))
        }
        Step::Grow(_)
        | Step::Withdraw(_)
        | Step::AddAddresses(_)
        | Step::Http(_)
        | Step::Announce(_) => Some(step),
    }
}

fn is_removal(op: &MapOp) -> bool {
    match op {
        MapOp::RemoveFrontend(_)
        | MapOp::RemoveName(_)
        | MapOp::RemoveService(_)
        | MapOp::RemoveTag(_)
        | MapOp::RemoveBackend(_)
        | MapOp::RemoveOrigin(_)
        | MapOp::RemoveAddress(_) => true,
        MapOp::PutAddress(..)
        | MapOp::PutBackend(..)
        | MapOp::PutTag(..)
        | MapOp::PutOrigin(..)
        | MapOp::PutRegion(..)
        | MapOp::PutService(..)
        | MapOp::PutName(..)
        | MapOp::PutFrontend(..) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removals_wait_for_the_first_reading_without_an_error() {
        let mut caution = Caution::default();
        let broken = [Problem::of_file("a.yaml".into(), "no")];
        // However often: what is in the kernel may be that file's.
        assert_eq!(caution.removals(&broken), Removals::Later);
        assert_eq!(caution.removals(&broken), Removals::Later);
        assert_eq!(caution.removals(&[]), Removals::Now);
        // From now on its earlier content is known.
        assert_eq!(caution.removals(&broken), Removals::Now);
    }
}
