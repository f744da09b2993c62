//! `sessionAffinity` of the Services behind TCP and UDP listeners.

use crate::{
    plan::{Frontend, L4Service, Plan},
    world::World,
};

/// One Service that asks for it decides for all of its listener: they share one lookup table, and
/// whoever asks would not have it otherwise.
pub(super) fn judge(world: &World, plan: &mut Plan) {
    for frontend in plan.frontends.values_mut() {
        if let Frontend::L4(service) = frontend {
            service.options.by_client = is_asked_for(world, service);
        }
    }
}

fn is_asked_for(world: &World, service: &L4Service) -> bool {
    let weighted = service.backends.iter().filter(|b| b.weight > 0);
    let services = weighted.filter_map(|b| world.services.get(&b.target.id()?.service));
    services.into_iter().any(|s| s.spec.by_client)
}
