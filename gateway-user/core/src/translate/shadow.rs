//! TCP and UDP listeners serve one route each: the oldest that attaches.

use std::collections::BTreeMap;

use super::{age::age, attach::ListenerId, gateway::GatewayState, route::RouteState};
use crate::{name::ObjectName, verdict::RouteVerdict};

/// Tells every other route which one takes its traffic.
pub(super) fn judge(gateways: &[GatewayState], routes: &mut [RouteState]) {
    let oldest = oldest(gateways, routes);
    for route in routes {
        let own = route.source.meta.object_name();
        let kind = route.source.kind.as_str();
        for parent in &mut route.parents {
            for id in parent.attached.keys() {
                if let Some(by) = oldest.get(id).filter(|by| **by != own) {
                    parent.verdicts.push(RouteVerdict::Shadowed {
                        listener: gateways[id.0].listeners[id.1].spec.name.clone(),
                        kind,
                        by: by.clone(),
                    });
                }
            }
        }
    }
}

/// The oldest accepted route of each TCP and UDP listener; such a listener takes one kind only.
fn oldest(gateways: &[GatewayState], routes: &[RouteState]) -> BTreeMap<ListenerId, ObjectName> {
    let mut oldest: BTreeMap<ListenerId, _> = BTreeMap::new();
    for route in routes {
        let own = age(route.source.meta);
        for id in route
            .listeners()
            .filter(|id| gateways[id.0].listeners[id.1].is_l4())
        {
            let first = oldest.entry(id).or_insert_with(|| own.clone());
            if own < *first {
                *first = own.clone();
            }
        }
    }
    oldest
        .into_iter()
        .map(|(id, (_, _, name))| (id, name))
        .collect()
}
