//! TLSRoute, TCPRoute and UDPRoute: a list of weighted backends.

use super::{
    Scope,
    backend::{self, Referrer},
};
use crate::{
    api::{Kind, TcpRoute},
    plan::WeightedBackend,
    verdict::RouteVerdict,
};

/// The only rule of a route.
#[derive(Clone, Debug, Default)]
pub(super) struct L4Rule {
    pub backends: Vec<WeightedBackend>,
    /// The same where TLS is terminated before them.
    pub terminated: Vec<WeightedBackend>,
    /// Whether a Service among them asks for it (`sessionAffinity: ClientIP`). It decides for all:
    /// they share one lookup table, and whoever asks would not have it otherwise.
    pub by_client: bool,
}

/// The API allows exactly one rule.
pub(super) fn judge(scope: Scope, kind: Kind, route: &TcpRoute) -> (L4Rule, Vec<RouteVerdict>) {
    let mut verdicts = Vec::new();
    if route.spec.use_default_gateways.is_some() {
        let at = "spec.useDefaultGateways".to_owned();
        verdicts.push(RouteVerdict::FieldIgnored { at });
    }
    for index in 1..route.spec.rules.len() {
        verdicts.push(RouteVerdict::FieldIgnored {
            at: format!("spec.rules[{index}]"),
        });
    }
    let referrer = Referrer {
        kind,
        meta: &route.meta,
    };
    let references = route
        .spec
        .rules
        .first()
        .map(|rule| rule.backend_refs.as_slice());
    let references = references.unwrap_or_default().iter().enumerate();
    let resolve = |(index, reference)| {
        let at = format!("spec.rules[0].backendRefs[{index}]");
        backend::of_connections(scope, referrer, &at, reference, &mut verdicts)
    };
    let (backends, terminated): (Vec<_>, Vec<_>) = references.map(resolve).unzip();
    let mut weighted = backends.iter().filter(|backend| backend.weight > 0);
    let by_client = weighted.any(|backend| {
        let id = backend.target.id();
        let service = id.and_then(|id| scope.world.services.get(&id.service));
        service.is_some_and(|service| service.spec.by_client)
    });
    let rule = L4Rule {
        backends,
        terminated,
        by_client,
    };
    (rule, verdicts)
}
