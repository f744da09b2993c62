//! Conditions that only the join with endpoints can decide.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Condition, Statuses, find,
    fold::{fold, set},
};
use crate::{
    api::Kind,
    endpoints::Endpoints,
    name::ObjectName,
    plan::{BackendId, Frontend, HttpRule, L4Service, Plan, Target, Transport, WeightedBackend},
    verdict::{ConditionType, RouteVerdict, Truth},
};

/// A route's kind, since names are unique within a kind only.
type RouteId = (Kind, ObjectName);

const HTTP_EMPTY: &str = "its requests get a 503";
const HTTP_ZERO: &str = "so requests get a 500";
const L4_EMPTY: &str = "its connections are refused";
const L4_ZERO: &str = "so connections are refused";

/// Sets `xdp-gateway.dev/BackendsReady` of every route that the plan serves. May be called again
/// whenever endpoints change.
///
/// `ResolvedRefs` stays as it is: a Service without endpoints is a valid reference.
pub fn endpoint_verdicts(plan: &Plan, endpoints: &Endpoints, statuses: &mut Statuses) {
    let served = served(plan, endpoints);
    for route in &mut statuses.routes {
        let name = route.object_name();
        let known = |(kind, of): &&RouteId| route.kind == kind.as_str() && *of == name;
        let Some(verdicts) = served.keys().find(known).and_then(|id| served.get(id)) else {
            continue;
        };
        for parent in &mut route.status.parents {
            let accepted = find(&parent.conditions, ConditionType::Accepted);
            let accepted = accepted.filter(|c| c.status == Truth::True);
            if let Some(generation) = accepted.map(|c| c.observed_generation) {
                set(&mut parent.conditions, ready(verdicts, generation));
            }
        }
    }
}

fn ready(verdicts: &[RouteVerdict], generation: i64) -> Condition {
    let mut conditions = fold(&[ConditionType::BackendsReady], verdicts, generation);
    conditions.swap_remove(0)
}

/// What is wrong with the backends of each route of the plan.
fn served(plan: &Plan, endpoints: &Endpoints) -> BTreeMap<RouteId, Vec<RouteVerdict>> {
    let mut served = BTreeMap::new();
    for (id, frontend) in &plan.frontends {
        match frontend {
            Frontend::L4(service) => {
                let kind = match id.transport {
                    Transport::Tcp => Kind::TcpRoute,
                    Transport::Udp => Kind::UdpRoute,
                };
                if let Some(route) = &service.route {
                    let route = (kind, route.clone());
                    served
                        .entry(route)
                        .or_insert_with(|| l4(service, endpoints));
                }
            }
            Frontend::Http(http) => {
                for route in http.listeners.iter().flat_map(|l| &l.routes) {
                    let id = (Kind::HttpRoute, route.name.clone());
                    served
                        .entry(id)
                        .or_insert_with(|| rules(&route.rules, endpoints));
                }
            }
        }
    }
    served
}

fn l4(service: &L4Service, endpoints: &Endpoints) -> Vec<RouteVerdict> {
    let backends: Vec<Share> = service
        .backends
        .iter()
        .map(WeightedBackend::share)
        .collect();
    judge(
        "spec.rules[0].backendRefs",
        &backends,
        endpoints,
        L4_EMPTY,
        L4_ZERO,
    )
}

fn rules(rules: &[HttpRule], endpoints: &Endpoints) -> Vec<RouteVerdict> {
    let mut verdicts = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let at = format!("spec.rules[{index}].backendRefs");
        let backends: Vec<Share> = rule
            .backends
            .iter()
            .map(|b| (&b.target, b.weight))
            .collect();
        verdicts.extend(judge(&at, &backends, endpoints, HTTP_EMPTY, HTTP_ZERO));
    }
    verdicts
}

/// A target with its weight.
type Share<'a> = (&'a Target, u32);

impl WeightedBackend {
    fn share(&self) -> Share<'_> {
        (&self.target, self.weight)
    }
}

fn judge(
    at: &str,
    backends: &[Share],
    endpoints: &Endpoints,
    empty: &'static str,
    zero: &'static str,
) -> Vec<RouteVerdict> {
    if !backends.is_empty() && backends.iter().all(|(_, weight)| *weight == 0) {
        let what = at.to_owned();
        return vec![RouteVerdict::AllWeightsZero { what, effect: zero }];
    }
    let used = backends.iter().filter(|(_, weight)| *weight > 0);
    let ids: BTreeSet<&BackendId> = used.filter_map(|(target, _)| target.id()).collect();
    let idle = ids
        .into_iter()
        .filter(|id| endpoints.ready(id).next().is_none());
    let verdict = |id: &BackendId| RouteVerdict::NoReadyEndpoints {
        backend: id.clone(),
        effect: empty,
    };
    idle.map(verdict).collect()
}
