//! TCP and UDP listeners serve one route each, TLS listeners one for each host name: the oldest.

use std::collections::BTreeMap;

use super::{
    age::{Age, age},
    attach::ListenerId,
    gateway::GatewayState,
    route::RouteState,
};
use crate::{
    api::Kind,
    name::ObjectName,
    plan::HostPattern,
    verdict::{RouteVerdict, hint},
};

/// Tells every other route which one takes its traffic.
pub(super) fn judge(gateways: &[GatewayState], routes: &mut [RouteState]) {
    listeners(gateways, routes);
    hosts(gateways, routes);
}

fn listeners(gateways: &[GatewayState], routes: &mut [RouteState]) {
    let oldest = oldest(gateways, routes);
    for route in routes {
        let own = route.source.meta.object_name();
        let kind = route.source.kind.as_str();
        for parent in &mut route.parents {
            for id in parent.attached.keys() {
                if let Some(by) = oldest.get(id).filter(|by| **by != own) {
                    parent.verdicts.push(RouteVerdict::Shadowed {
                        listener: gateways[id.0].listeners[id.1].label.clone(),
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

/// Each host name of a TLS listener belongs to the oldest route that has it.
fn hosts(gateways: &[GatewayState], routes: &mut [RouteState]) {
    let of_tls = |route: &RouteState| route.source.kind == Kind::TlsRoute && route.is_acceptable();
    let mut oldest: BTreeMap<(ListenerId, HostPattern), Age> = BTreeMap::new();
    for route in routes.iter().filter(|route| of_tls(route)) {
        let own = age(route.source.meta);
        let attached = route.parents.iter().flat_map(|parent| &parent.attached);
        for key in attached.flat_map(|(id, hosts)| hosts.iter().map(|h| (*id, h.clone()))) {
            let first = oldest.entry(key).or_insert_with(|| own.clone());
            if own < *first {
                *first = own.clone();
            }
        }
    }
    for route in routes.iter_mut().filter(|route| of_tls(route)) {
        let own = route.source.meta.object_name();
        for parent in &mut route.parents {
            for (id, hosts) in &parent.attached {
                let mut taken: BTreeMap<&ObjectName, Vec<String>> = BTreeMap::new();
                for host in hosts {
                    if let Some((_, _, by)) = oldest.get(&(*id, host.clone()))
                        && *by != own
                    {
                        taken.entry(by).or_default().push(host.to_string());
                    }
                }
                let listener = &gateways[id.0].listeners[id.1].label;
                let verdicts = taken
                    .into_iter()
                    .map(|(by, hosts)| RouteVerdict::HostsShadowed {
                        listener: listener.clone(),
                        hosts: hint::list(&hosts),
                        by: by.clone(),
                    });
                parent.verdicts.extend(verdicts);
            }
        }
    }
}
