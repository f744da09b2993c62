//! Ancestors of policies: the Gateways whose routes lead to a target (GEP-713).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Scope,
    attach::ListenerId,
    gateway::Gateways,
    policy::PolicyState,
    route::{RouteSource, RouteState},
};
use crate::{
    api::{BackendRef, Filter, GROUP, Kind, ParentRef, tls_policy::PolicyTarget},
    name::ObjectName,
    status::{AncestorStatus, PolicyStatus, Reported, fold},
    verdict::ConditionType::{Accepted, ResolvedRefs},
};

/// Positions of the Gateways with a route to each Service.
type Reach = BTreeMap<ObjectName, BTreeSet<usize>>;

/// The status of every policy.
pub(super) fn statuses(
    scope: Scope,
    gateways: &Gateways,
    routes: &[RouteState],
) -> Vec<Reported<PolicyStatus>> {
    let policies = &scope.policies.states;
    if policies.is_empty() {
        return Vec::new();
    }
    let reach = reach(scope, gateways, routes);
    let report = |state| report(scope, gateways, &reach, state);
    policies.iter().map(report).collect()
}

fn report(
    scope: Scope,
    gateways: &Gateways,
    reach: &Reach,
    state: &PolicyState,
) -> Reported<PolicyStatus> {
    let meta = &state.policy.meta;
    let conditions = fold(&[Accepted, ResolvedRefs], &state.verdicts, meta.generation);
    let targets = state.policy.spec.target_refs.iter();
    let services = targets
        .clone()
        .filter(|t| t.is_service())
        .map(|t| t.target(&meta.namespace));
    let above: BTreeSet<ObjectName> = services
        .filter_map(|service| reach.get(&service))
        .flatten()
        .map(|&position| gateways.served[position].name.clone())
        .collect();
    let ours = !above.is_empty();
    let ancestor = |ancestor_ref, ours| AncestorStatus {
        ancestor_ref,
        controller_name: scope.settings.controller_name.clone(),
        conditions: conditions.clone(),
        ours,
    };
    let mut ancestors: Vec<_> = above
        .into_iter()
        .map(|name| ancestor(gateway(name), true))
        .collect();
    if !ours && conditions.iter().any(|c| !c.as_wished()) {
        // Nobody is there to write it to, but whoever looks here shall find the mistake.
        ancestors.extend(
            targets
                .take(1)
                .map(|target| ancestor(itself(target), false)),
        );
    }
    let kind = Kind::BackendTlsPolicy.as_str();
    Reported::new(kind, meta, ours, PolicyStatus { ancestors })
}

fn gateway(name: ObjectName) -> ParentRef {
    ParentRef {
        group: GROUP.into(),
        kind: Kind::Gateway.as_str().into(),
        namespace: Some(name.namespace),
        name: name.name,
        section_name: None,
        port: None,
    }
}

fn itself(target: &PolicyTarget) -> ParentRef {
    ParentRef {
        group: target.group.clone(),
        kind: target.kind.clone(),
        namespace: None,
        name: target.name.clone(),
        section_name: target.section_name.clone(),
        port: None,
    }
}

fn reach(scope: Scope, gateways: &Gateways, routes: &[RouteState]) -> Reach {
    let mut reach = Reach::new();
    for route in routes {
        // What passes through is left as it is.
        let speaks = |&(gateway, listener): &ListenerId| {
            let listener = &gateways.served[gateway].listeners[listener];
            route.source.kind != Kind::TlsRoute || listener.tls.is_some()
        };
        let listeners = route.listeners().filter(speaks);
        let gateways: BTreeSet<usize> = listeners.map(|(gateway, _)| gateway).collect();
        if gateways.is_empty() {
            continue;
        }
        for service in services(scope, &route.source) {
            reach.entry(service).or_default().extend(&gateways);
        }
    }
    reach
}

/// Services that a route's Gateways may speak to in TLS, those of its filters included, whether or
/// not they exist.
fn services(scope: Scope, route: &RouteSource) -> Vec<ObjectName> {
    let (world, name) = (scope.world, route.meta.object_name());
    let mut references = Vec::new();
    match route.kind {
        Kind::HttpRoute => {
            let rules = world.http_routes.get(&name).map(|r| &r.spec.rules);
            for rule in rules.into_iter().flatten() {
                collect(&rule.filters, &rule.backend_refs, &mut references);
            }
        }
        Kind::GrpcRoute => {
            let rules = world.grpc_routes.get(&name).map(|r| &r.spec.rules);
            for rule in rules.into_iter().flatten() {
                collect(&rule.filters, &rule.backend_refs, &mut references);
            }
        }
        Kind::TlsRoute => {
            let rules = world.tls_routes.get(&name).map(|r| &r.spec.rules);
            let rules = rules.into_iter().flatten();
            references.extend(rules.flat_map(|rule| rule.backend_refs.iter().cloned()));
        }
        _ => (),
    }
    let services = references.iter().filter(|r| r.is_service());
    services.map(|r| r.target(&route.meta.namespace)).collect()
}

fn collect(filters: &[Filter], backends: &[BackendRef], references: &mut Vec<BackendRef>) {
    let all = backends.iter().flat_map(|backend| &backend.filters);
    for filter in filters.iter().chain(all) {
        let mirror = filter.request_mirror.iter().map(|m| &m.backend_ref);
        let auth = filter.external_auth.iter().map(|a| &a.backend_ref);
        references.extend(mirror.chain(auth).map(BackendRef::from));
    }
    references.extend(backends.iter().cloned());
}
