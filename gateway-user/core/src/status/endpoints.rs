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
    plan::{
        BackendId, Frontend, HttpFilter, HttpRoute, Plan, RouteKind, Target, Transport,
        WeightedBackend,
    },
    verdict::{ConditionType, RouteVerdict, Truth, hint},
};

/// A route's kind, since names are unique within a kind only.
type RouteId = (Kind, ObjectName);

const HTTP_EMPTY: &str = "requests that go there get a 503";
const HTTP_ZERO: &str = "so requests get a 500";
const HTTP_NONE: &str = "no backendRefs and no redirect, so requests get a 500";
const HTTP_UNASKED: &str = "requests that it is to be asked about get a 503";
const GRPC_EMPTY: &str = "calls that go there get UNAVAILABLE";
const GRPC_ZERO: &str = "so calls get UNAVAILABLE";
const GRPC_NONE: &str = "no backendRefs, so calls get UNAVAILABLE";
const TLS_EMPTY: &str = "connections that go there are closed";
const TLS_ZERO: &str = "so connections are closed";
const L4_EMPTY: &str = "connections that go there are refused";
const L4_ZERO: &str = "so connections are refused";

/// Sets `xdp-gateway.dev/BackendsReady` of every route that the plan serves. May be called again
/// whenever endpoints change.
///
/// `ResolvedRefs` stays as it is: a Service without endpoints is a valid reference.
pub fn endpoint_verdicts(plan: &Plan, endpoints: &Endpoints, statuses: &mut Statuses) {
    let served = served(plan, endpoints);
    for route in &mut statuses.routes {
        let name = route.object_name();
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| route.kind == kind.as_str());
        let Some(verdicts) = kind.and_then(|kind| served.get(&(kind, name))) else {
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
                        .or_insert_with(|| l4(&service.backends, endpoints, L4_EMPTY, L4_ZERO));
                }
            }
            Frontend::Http(http) => {
                for route in http.listeners.iter().flat_map(|l| &l.routes) {
                    let id = (route.kind.kind(), route.name.clone());
                    served.entry(id).or_insert_with(|| rules(route, endpoints));
                }
                for route in http.tls.iter().flat_map(|l| &l.routes) {
                    let id = (Kind::TlsRoute, route.name.clone());
                    served
                        .entry(id)
                        .or_insert_with(|| l4(&route.backends, endpoints, TLS_EMPTY, TLS_ZERO));
                }
            }
        }
    }
    served
}

fn l4(
    backends: &[WeightedBackend],
    endpoints: &Endpoints,
    empty: &'static str,
    zero: &'static str,
) -> Vec<RouteVerdict> {
    let backends: Vec<Share> = backends.iter().map(|b| (&b.target, b.weight)).collect();
    let mut idle = BTreeSet::new();
    let zero = judge(
        "spec.rules[0].backendRefs",
        &backends,
        endpoints,
        zero,
        &mut idle,
    );
    zero.into_iter().chain(waiting(&idle, empty)).collect()
}

fn rules(route: &HttpRoute, endpoints: &Endpoints) -> Vec<RouteVerdict> {
    let (none, zero, empty) = match route.kind {
        RouteKind::Http => (HTTP_NONE, HTTP_ZERO, HTTP_EMPTY),
        RouteKind::Grpc => (GRPC_NONE, GRPC_ZERO, GRPC_EMPTY),
    };
    let mut verdicts = Vec::new();
    let (mut idle, mut unasked) = (BTreeSet::new(), BTreeSet::new());
    for (index, rule) in route.rules.iter().enumerate() {
        if rule
            .filters
            .iter()
            .any(|f| matches!(f, HttpFilter::Invalid))
        {
            continue;
        }
        let auths = rule.auths().filter_map(|auth| auth.backend.target.id());
        unasked.extend(auths.filter(|id| endpoints.ready(id).next().is_none()));
        let at = format!("spec.rules[{index}]");
        let redirects = rule
            .filters
            .iter()
            .any(|f| matches!(f, HttpFilter::Redirect(_)));
        if rule.backends.is_empty() && !redirects {
            let (what, effect) = (at, none);
            verdicts.push(RouteVerdict::NoBackends { what, effect });
            continue;
        }
        let at = format!("{at}.backendRefs");
        let backends = rule.backends.iter();
        let backends: Vec<Share> = backends.map(|b| (&b.target, b.weight)).collect();
        verdicts.extend(judge(&at, &backends, endpoints, zero, &mut idle));
    }
    verdicts.extend(waiting(&idle, empty));
    verdicts.extend(waiting(&unasked, HTTP_UNASKED));
    verdicts
}

/// A target with its weight.
type Share<'a> = (&'a Target, u32);

/// Adds the backends in use that have no ready endpoint to `idle`, or tells that none is in use.
fn judge<'a>(
    at: &str,
    backends: &[Share<'a>],
    endpoints: &Endpoints,
    zero: &'static str,
    idle: &mut BTreeSet<&'a BackendId>,
) -> Option<RouteVerdict> {
    if !backends.is_empty() && backends.iter().all(|(_, weight)| *weight == 0) {
        let what = at.to_owned();
        return Some(RouteVerdict::AllWeightsZero { what, effect: zero });
    }
    let used = backends.iter().filter(|(_, weight)| *weight > 0);
    let ids = used.filter_map(|(target, _)| target.id());
    idle.extend(ids.filter(|id| endpoints.ready(id).next().is_none()));
    None
}

fn waiting(idle: &BTreeSet<&BackendId>, effect: &'static str) -> Option<RouteVerdict> {
    let names: Vec<String> = idle.iter().map(ToString::to_string).collect();
    let backends = hint::list(&names);
    (!names.is_empty()).then_some(RouteVerdict::NoReadyEndpoints { backends, effect })
}
