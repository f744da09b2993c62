//! Which listeners a route attaches to.

use std::collections::BTreeMap;

use super::{
    Scope,
    allowed::{self, Refusal},
    gateway::Gateways,
    hostname, parent,
    route::RouteSource,
};
use crate::{
    api::ParentRef,
    plan::HostPattern,
    verdict::{RouteVerdict, hint},
};

/// Positions of a Gateway and of one of its listeners.
pub(super) type ListenerId = (usize, usize);

/// A parentRef and what came of it.
pub(super) struct ParentState<'a> {
    pub parent: &'a ParentRef,
    /// Whether the parent is one of our Gateways, or a ListenerSet of one.
    pub ours: bool,
    /// Listeners that the route attaches to, each with the hosts it takes there.
    pub attached: BTreeMap<ListenerId, Vec<HostPattern>>,
    pub verdicts: Vec<RouteVerdict>,
}

pub(super) fn judge<'a>(
    scope: Scope,
    gateways: &Gateways,
    route: &RouteSource<'a>,
) -> Vec<ParentState<'a>> {
    let parents = route.parents.iter().enumerate();
    let state = |(index, parent)| {
        let (ours, found) = match parent::resolve(scope, gateways, route.meta, index, parent) {
            Ok(candidates) => (true, attach(scope, gateways, route, &candidates)),
            Err(dangling) => (dangling.ours, Err(dangling.verdict)),
        };
        let (attached, verdict) = match found {
            Ok(attached) => (attached, None),
            Err(verdict) => (BTreeMap::new(), Some(verdict)),
        };
        ParentState {
            parent,
            ours,
            attached,
            verdicts: verdict.into_iter().collect(),
        }
    };
    parents.map(state).collect()
}

fn attach(
    scope: Scope,
    gateways: &Gateways,
    route: &RouteSource,
    candidates: &parent::Candidates,
) -> Result<BTreeMap<ListenerId, Vec<HostPattern>>, RouteVerdict> {
    let state = &gateways.served[candidates.gateway];
    let mut attached = BTreeMap::new();
    let mut refusals = Vec::new();
    let mut hosts = Vec::new();
    for &position in &candidates.listeners {
        let listener = &state.listeners[position];
        if let Err(why) = allowed::check(scope, listener, route) {
            refusals.push(why);
            continue;
        }
        let common = match route.kind {
            kind if kind.has_hostnames() => {
                hostname::intersect(&listener.hostname, route.hostnames)
            }
            _ => vec![HostPattern::Any],
        };
        if common.is_empty() {
            hosts.push(listener.hostname.to_string());
        } else {
            attached.insert((candidates.gateway, position), common);
        }
    }
    if !attached.is_empty() {
        return Ok(attached);
    }
    if hosts.is_empty() {
        return Err(RouteVerdict::NotAllowed {
            parent: candidates.parent.clone(),
            whys: Refusal::join(&refusals, route),
        });
    }
    Err(RouteVerdict::NoMatchingHostname {
        own: hint::list(route.hostnames),
        theirs: hint::list(&hosts),
    })
}
