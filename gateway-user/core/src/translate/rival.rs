//! HTTPRoutes and GRPCRoutes that take the same hosts at one listener: the older one is accepted
//! there, the other one is not (API documentation of `GRPCRouteSpec.hostnames`).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    age::age,
    attach::{ListenerId, ParentState},
    gateway::GatewayState,
    hostname,
    route::RouteState,
};
use crate::{
    api::Kind,
    name::ObjectName,
    plan::HostPattern,
    verdict::{RouteVerdict, hint},
};

/// What routes of each kind hold of each listener, the oldest first.
type Holders = BTreeMap<ListenerId, BTreeMap<Kind, Vec<(ObjectName, Vec<HostPattern>)>>>;

/// Detaches the younger of two such routes from the listener.
pub(super) fn judge(gateways: &[GatewayState], routes: &mut [RouteState]) {
    let mut rivals: Vec<&mut RouteState> = routes
        .iter_mut()
        .filter(|route| route.source.kind.is_http() && route.is_acceptable())
        .collect();
    rivals.sort_by_cached_key(|route| (age(route.source.meta), route.source.kind));
    let mut holders = Holders::new();
    for route in rivals {
        let (kind, name) = (route.source.kind, route.source.meta.object_name());
        for parent in &mut route.parents {
            detach(gateways, &holders, kind, parent);
        }
        let kept: BTreeMap<ListenerId, &Vec<HostPattern>> = route
            .parents
            .iter()
            .flat_map(|parent| parent.attached.iter().map(|(id, hosts)| (*id, hosts)))
            .collect();
        for (id, hosts) in kept {
            let held = holders.entry(id).or_default().entry(kind).or_default();
            held.push((name.clone(), hosts.clone()));
        }
    }
}

fn detach(gateways: &[GatewayState], holders: &Holders, kind: Kind, parent: &mut ParentState) {
    let mut lost = BTreeSet::new();
    let mut winners = BTreeSet::new();
    parent.attached.retain(|id, hosts| {
        let winner = winner(holders, *id, kind, hosts);
        if let Some(winner) = &winner {
            let listener = &gateways[id.0].listeners[id.1].label;
            lost.insert(listener.to_string());
            winners.insert(winner.clone());
        }
        winner.is_none()
    });
    if lost.is_empty() {
        return;
    }
    let listeners = hint::list(&Vec::from_iter(lost));
    let by = hint::list(&Vec::from_iter(winners));
    parent.verdicts.push(match parent.attached.is_empty() {
        true => RouteVerdict::Rival { listeners, by },
        false => RouteVerdict::RivalInPart { listeners, by },
    });
}

/// The oldest route of the other kind with a host in common.
fn winner(holders: &Holders, id: ListenerId, kind: Kind, hosts: &[HostPattern]) -> Option<String> {
    let others = holders
        .get(&id)?
        .iter()
        .filter(|(other, _)| **other != kind);
    let mut held = others.flat_map(|(other, held)| held.iter().map(move |h| (other, h)));
    held.find_map(|(other, (name, theirs))| {
        let common = hosts
            .iter()
            .any(|host| theirs.iter().any(|their| hostname::overlap(host, their)));
        common.then(|| format!("{other} {name}"))
    })
}
