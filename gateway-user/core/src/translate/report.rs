//! Statuses, from the verdicts of all steps.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    Scope, ancestor,
    attach::{ListenerId, ParentState},
    class,
    gateway::{Foreign, GatewayState, Gateways},
    listener::ListenerState,
    listener_set::{SetState, Unattached},
    owner::Owner,
    pool,
    route::RouteState,
};
use crate::{
    api::Kind,
    features,
    status::{
        ClassStatus, GatewayStatus, ListenerSetStatus, ListenerStatus, ParentStatus, Reported,
        RouteStatus, StatusAddress, Statuses, SupportedFeature, fold,
    },
    verdict::{
        ConditionType::{
            Accepted, Conflicted, PartiallyInvalid, Programmed, ResolvedRefs, SupportedVersion,
        },
        RouteVerdict, Truth, Verdict,
    },
};

pub(super) fn statuses(scope: Scope, gateways: &Gateways, routes: &[RouteState]) -> Statuses {
    let counts = counts(routes);
    let listener_sets = listener_sets(gateways, &counts);
    let served = gateways.served.iter().enumerate();
    let served = served.map(|(position, state)| gateway(state, position, &counts));
    let foreign = gateways.foreign.iter().map(unserved);
    let policies = ancestor::statuses(scope, gateways, routes);
    let pools = pool::statuses(scope, &gateways.taken);
    let mut gateways: Vec<_> = served.chain(foreign).collect();
    gateways.sort_by_key(Reported::object_name);
    Statuses {
        classes: classes(scope),
        gateways,
        listener_sets,
        pools,
        routes: routes.iter().map(|state| route(scope, state)).collect(),
        policies,
    }
}

fn classes(scope: Scope) -> Vec<Reported<ClassStatus>> {
    let report = |class| {
        let mut verdicts = class::judge(scope, class);
        let ours = class::is_ours(scope, class);
        let mut well = vec![Accepted];
        if let Some(installed) = scope.world.installed.as_ref().filter(|_| ours) {
            well.push(SupportedVersion);
            verdicts.extend(class::version(installed));
        }
        let conditions = fold(&well, &verdicts, class.meta.generation);
        let kind = Kind::GatewayClass.as_str();
        let status = ClassStatus {
            conditions,
            supported_features: if ours { features() } else { Vec::new() },
        };
        Reported::new(kind, &class.meta, ours, status)
    };
    scope.world.classes.values().map(report).collect()
}

fn features() -> Vec<SupportedFeature> {
    let names = features::supported().map(Into::into);
    names.map(|name| SupportedFeature { name }).collect()
}

/// How many accepted routes attach to each listener.
fn counts(routes: &[RouteState]) -> BTreeMap<ListenerId, usize> {
    let mut counts = BTreeMap::new();
    for route in routes {
        for id in route.listeners().collect::<BTreeSet<_>>() {
            *counts.entry(id).or_default() += 1;
        }
    }
    counts
}

fn gateway(
    state: &GatewayState,
    position: usize,
    counts: &BTreeMap<ListenerId, usize>,
) -> Reported<GatewayStatus> {
    let meta = &state.gateway.meta;
    let well = [Accepted, Programmed, ResolvedRefs];
    let sets = state.sets.iter().filter(|set| set.is_accepted()).count();
    let asked = sets > 0 || state.gateway.spec.allowed_listeners.is_some();
    let status = GatewayStatus {
        addresses: addresses(&state.addresses),
        conditions: fold(&well, &state.verdicts, meta.generation),
        listeners: listeners(state, position, counts, Owner::of(state.gateway)),
        attached_listener_sets: asked.then_some(sets),
    };
    Reported::new(Kind::Gateway.as_str(), meta, true, status)
}

/// Those of a Gateway, or of a ListenerSet that is attached to it.
fn listeners(
    state: &GatewayState,
    position: usize,
    counts: &BTreeMap<ListenerId, usize>,
    owner: Owner,
) -> Vec<ListenerStatus> {
    let count = |index| counts.get(&(position, index)).copied().unwrap_or_default();
    let all = state.listeners.iter().enumerate();
    let own = all.filter(|(_, listener)| listener.owner.is_same(owner));
    own.map(|(index, state)| listener(state, count(index), owner.meta().generation))
        .collect()
}

fn listener_sets(
    gateways: &Gateways,
    counts: &BTreeMap<ListenerId, usize>,
) -> Vec<Reported<ListenerSetStatus>> {
    let kind = Kind::ListenerSet.as_str();
    let well = [Accepted, Programmed];
    let mut reported = Vec::new();
    for (position, state) in gateways.served.iter().enumerate() {
        for SetState { set, verdicts } in &state.sets {
            let owner = Owner {
                gateway: state.gateway,
                set: Some(*set),
            };
            let status = ListenerSetStatus {
                conditions: fold(&well, verdicts, set.meta.generation),
                listeners: listeners(state, position, counts, owner),
                gateway: Some(state.name.clone()),
            };
            reported.push(Reported::new(kind, &set.meta, true, status));
        }
    }
    for Unattached { set, verdict, ours } in &gateways.unattached {
        let verdicts = std::slice::from_ref(verdict);
        let status = ListenerSetStatus {
            conditions: fold(&well, verdicts, set.meta.generation),
            ..ListenerSetStatus::default()
        };
        reported.push(Reported::new(kind, &set.meta, *ours, status));
    }
    reported.sort_by_key(Reported::object_name);
    reported
}

fn listener(state: &ListenerState, attached_routes: usize, generation: i64) -> ListenerStatus {
    let well = [Accepted, ResolvedRefs, Programmed, Conflicted];
    ListenerStatus {
        name: state.spec.name.clone(),
        supported_kinds: state.supported_kinds(),
        attached_routes,
        conditions: fold(&well, &state.verdicts, generation),
    }
}

fn addresses(addresses: &[IpAddr]) -> Vec<StatusAddress> {
    let shown = addresses.iter().map(|address| StatusAddress {
        kind: "IPAddress".into(),
        value: address.to_string(),
    });
    shown.collect()
}

fn unserved(foreign: &Foreign) -> Reported<GatewayStatus> {
    let meta = &foreign.gateway.meta;
    let status = GatewayStatus {
        addresses: addresses(&foreign.addresses),
        conditions: fold(&[Accepted, Programmed], &foreign.verdicts, meta.generation),
        listeners: Vec::new(),
        attached_listener_sets: None,
    };
    Reported::new(Kind::Gateway.as_str(), meta, foreign.ours, status)
}

fn route(scope: Scope, state: &RouteState) -> Reported<RouteStatus> {
    let meta = state.source.meta;
    let parent = |parent: &ParentState| {
        let verdicts = parent.verdicts.iter().chain(&state.verdicts);
        let mut verdicts: Vec<RouteVerdict> = verdicts.cloned().collect();
        if verdicts.iter().any(|v| v.decides(Accepted, Truth::False)) {
            // Only an accepted route can be partially invalid.
            verdicts.retain(|v| !v.decides(PartiallyInvalid, Truth::True));
        }
        ParentStatus {
            parent_ref: parent.parent.clone(),
            controller_name: scope.settings.controller_name.clone(),
            conditions: fold(&[Accepted, ResolvedRefs], &verdicts, meta.generation),
            ours: parent.ours,
        }
    };
    let parents: Vec<ParentStatus> = state.parents.iter().map(parent).collect();
    let ours = parents.iter().any(|parent| parent.ours);
    Reported::new(
        state.source.kind.as_str(),
        meta,
        ours,
        RouteStatus { parents },
    )
}
